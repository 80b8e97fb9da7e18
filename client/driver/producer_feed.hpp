// ProducerFeed: the I/O thread's half of a producer. It moves batches from the Accumulator into the
// session when they are due, remembers what is on its way, and reports. I/O thread only.
#pragma once

#include "client/api/producer.hpp"
#include "client/core/session_io.hpp"
#include "client/driver/accumulator.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace pinion::client {

/// Written by the I/O thread, read by any.
struct ProducerTotals {
  std::atomic<std::uint64_t> records_acknowledged{0};
  std::atomic<std::uint64_t> records_failed{0};
  std::atomic<std::uint64_t> records_unknown{0};
  std::atomic<std::uint64_t> batches_acknowledged{0};
  std::atomic<std::uint64_t> resends{0};
  std::atomic<std::uint64_t> epochs{0};
};

class ProducerFeed {
 public:
  /// The session, as far as a feed needs it.
  struct Session {
    std::function<void(Input)> step;
    std::function<std::optional<std::size_t>(ProducerHandle, PartitionKey)> worth;
  };

  ProducerFeed(ProducerHandle handle, const ProducerOptions& options,
               std::shared_ptr<Accumulator> accumulator, std::shared_ptr<ProducerTotals> totals,
               Session session);

  /// Looks at the lanes that were listed, whose room changed or whose time has come.
  void pump(Micros now);
  void on_room(PartitionKey key);
  void on_all_rooms();
  void on_done(BatchDone&& done);
  void on_event(EventKind kind);
  /// Reports what never reached the session. Requires: the accumulator is closed and the session's
  /// half too.
  void report_rest();

  [[nodiscard]] Micros next_look() const noexcept { return next_look_; }
  [[nodiscard]] ProducerHandle handle() const noexcept { return handle_; }
  [[nodiscard]] Accumulator& accumulator() noexcept { return *accumulator_; }

 private:
  struct OnItsWay {
    BatchNumber number{0};
    std::uint32_t record_count = 0;
    std::uint64_t first_number = 0;
    std::vector<RecordCallback> callbacks;
    std::size_t charge = 0;
  };
  struct Fed {
    Lane* lane = nullptr;
    std::deque<OnItsWay> on_its_way;
    Micros look_at = never;  ///< When its open batch is to be looked at; never: it has none.
    bool due = false;        ///< In due_.
  };

  void look_at(Fed& fed, Micros now);
  void make_due(Fed& fed);
  void hand_over(Fed& fed, GatheredBatch&& batch);
  void report(Fed& fed, OnItsWay& batch, const BatchDone& done);

  const ProducerHandle handle_;
  const ProducerOptions options_;
  std::shared_ptr<Accumulator> accumulator_;
  std::shared_ptr<ProducerTotals> totals_;
  Session session_;
  std::map<PartitionKey, Fed> lanes_;
  std::vector<Lane*> ready_;  ///< Reused.
  std::vector<Fed*> due_;
  std::vector<GatheredBatch> sealed_;  ///< Reused.
  Micros next_look_ = never;
  bool was_flushing_ = false;
  std::uint64_t last_number_ = 0;
};

}  // namespace pinion::client
