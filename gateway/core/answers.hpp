// The answers, with the texts that clients compare. docs/HTTP.md has the shapes. Pure.
#pragma once

#include "common/base/error.hpp"
#include "common/base/ids.hpp"
#include "gateway/core/http_message.hpp"
#include "gateway/core/json.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::gateway {

/// An object that begins with "status":"success".
[[nodiscard]] JsonObject success();
[[nodiscard]] HttpAnswer answer(JsonObject&& object);

/// A failure that is the caller's. `code`: the cluster's name for it, or empty.
[[nodiscard]] HttpAnswer refused(std::string_view message, std::string_view code = {},
                                 std::uint16_t status = 400);

/// What the cluster said, in this interface's codes and texts. `topic` is what was asked about.
[[nodiscard]] HttpAnswer failed(const Error& error, std::string_view topic);
/// The same where the fate is another than the code's: of what was not sent at all, say.
[[nodiscard]] HttpAnswer failed(const Error& error, std::string_view topic, Fate fate);
/// The same as an object that the caller adds to, and the status it goes with.
struct Failure {
  std::uint16_t status = 400;
  JsonObject object;
};
[[nodiscard]] Failure failure_of(const Error& error, std::string_view topic);
[[nodiscard]] Failure failure_of(const Error& error, std::string_view topic, Fate fate);
/// With Retry-After where the status asks for it.
[[nodiscard]] HttpAnswer answer(Failure&& failure);

/// Of /health: the failure says so in a field of its own too.
[[nodiscard]] HttpAnswer unhealthy(const Error& why);
[[nodiscard]] HttpAnswer no_such_topic(std::string_view topic);
[[nodiscard]] HttpAnswer no_such_partition(std::string_view topic, std::int64_t partition,
                                           std::size_t partitions);
[[nodiscard]] HttpAnswer invalid_producer();
[[nodiscard]] HttpAnswer invalid_consumer();
[[nodiscard]] HttpAnswer missing(std::string_view name);
[[nodiscard]] HttpAnswer unknown_path(std::string_view target);
[[nodiscard]] HttpAnswer wrong_method(std::string_view method, std::string_view allow);

/// As the old interface gives a message: always under both names, and where it is not UTF-8 also as
/// it is, in base64.
void add_message(JsonObject& object, std::string_view value);

}  // namespace pinion::gateway
