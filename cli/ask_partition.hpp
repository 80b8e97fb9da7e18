// Asks one partition after the other, and waits for an answer only as long as somebody may give it:
// a partition that has no leader is given up after a few seconds, however long its answer may take
// otherwise. One thread.
#pragma once

#include "cli/partition_state.hpp"
#include "client/api/client.hpp"
#include "common/base/result.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace pinion::cli {

/// A leader that is only changing is back within it.
inline constexpr Micros unserved_patience = 5s;

class PartitionAsker {
 public:
  /// Keeps the topic known from now on.
  PartitionAsker(Client& client, std::string topic);

  /// What is known of the topic at this moment goes into `unserved`.
  void look(std::optional<PartitionIndex> only = {});
  [[nodiscard]] UnservedPartitions& unserved() noexcept { return unserved_; }

  /// Begins a call and waits for what comes of it; `meanwhile` is called every now and then.
  template <typename T>
  [[nodiscard]] Result<T> ask(PartitionIndex partition,
                              const std::function<void(Calls&, Calls::Then<T>)>& begin,
                              const std::function<void()>& meanwhile = {}) {
    struct Slot {
      std::mutex mutex;
      std::condition_variable came;
      std::optional<Result<T>> reply;
    };
    // An answer may come after nobody waits for it any more.
    const auto slot = std::make_shared<Slot>();
    Calls calls = client_->calls();
    begin(calls, [slot](Result<T> reply) {
      const std::lock_guard lock(slot->mutex);
      slot->reply = std::move(reply);
      slot->came.notify_one();
    });
    for (;;) {
      {
        std::unique_lock lock(slot->mutex);
        slot->came.wait_for(lock, look_every, [&] { return slot->reply.has_value(); });
        if (slot->reply) return std::move(*slot->reply);
      }
      if (auto going_on = check(partition); !going_on) return failure(going_on.error());
      if (meanwhile) meanwhile();
    }
  }

  /// The error of ask() as a sentence that names the partition.
  [[nodiscard]] Error explain(PartitionIndex partition, const Error& error);

 private:
  static constexpr Micros look_every = 100ms;

  /// Fails when there is nobody to wait for.
  [[nodiscard]] Result<void> check(PartitionIndex partition);

  Client* client_;
  std::string topic_;
  UnservedPartitions unserved_;
};

}  // namespace pinion::cli
