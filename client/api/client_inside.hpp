// What the handles of libpinion share. Not for programs: include client.hpp.
#pragma once

#include "client/driver/client_driver.hpp"
#include "client/api/calls.hpp"
#include "client/api/client.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace pinion {

struct Client::Inside {
  std::shared_ptr<client::ClientDriver> driver;
};

struct Admin::Inside {
  std::shared_ptr<client::ClientDriver> driver;
};

struct Calls::Inside {
  std::shared_ptr<client::ClientDriver> driver;
};

namespace client {

/// "consumer:NAME" for a name without a known prefix.
[[nodiscard]] std::string reader_of(std::string_view name);

/// The one record of a dequeue's answer, checked.
[[nodiscard]] Result<DequeuedRecord> unpack_dequeued(const std::string& topic,
                                                     PartitionIndex partition, Message&& answer);

/// One request and its answer's body.
template <typename Reply>
[[nodiscard]] Result<Reply> ask(ClientDriver& driver, ClientDriver::Ask what, Micros timeout,
                                bool* repeated = nullptr) {
  PINION_TRY(done, driver.call(std::move(what), timeout));
  if (repeated != nullptr) *repeated = done.repeated;
  if (!done.reply) return failure(std::move(done.reply.error()));
  auto* body = std::get_if<Reply>(&done.reply->body);
  if (body == nullptr) return failure(Errc::malformed, "the answer is of another kind");
  return std::move(*body);
}

/// How many partitions the topic has; waits until that is known.
[[nodiscard]] Result<std::shared_ptr<const TopicMetadata>> find_topic(ClientDriver& driver,
                                                                      const std::string& name,
                                                                      Micros timeout);

}  // namespace client
}  // namespace pinion
