// Accumulator: where API threads put records and the I/O thread takes batches. One a producer.
//
// Each partition is a lane with one open batch, into whose buffer a record is encoded in place,
// under the lane's own short lock. A full batch is sealed and stands in line; the I/O thread takes
// sealed ones always and the open one when the session says it is worth a message.
//
// The I/O thread is told of a lane when its first record comes (it then knows the lane's deadlines)
// and woken when the lane has as many bytes as the I/O thread last said would be worth taking. So a
// busy producer makes one wake-up a batch at most, and none while its window is full.
//
// Memory is charged in steps (charge_step), so that a record costs no shared counter.
#pragma once

#include "client/api/producer.hpp"
#include "client/driver/buffer_pool.hpp"
#include "client/driver/waker.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/proto/record_batch.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pinion::client {

struct RecordCallback {
  std::uint32_t index = 0;  ///< Of the record in its batch.
  DeliveryCallback call;
};

struct GatheredBatch {
  std::string payload;
  std::uint32_t record_count = 0;
  std::vector<RecordCallback> callbacks;
  std::uint64_t first_number = 0;
  Micros opened_at{0};     ///< Monotonic.
  std::size_t charge = 0;  ///< Given back with Accumulator::release().
};

inline constexpr std::size_t never_worth = std::numeric_limits<std::size_t>::max();

/// One partition of one producer. Made by Accumulator::lane(), lives as long as that.
struct Lane {
  Lane(PartitionKey partition_key, std::shared_ptr<const std::string> topic_name)
      : key(partition_key), topic(std::move(topic_name)) {}

  const PartitionKey key;
  const std::shared_ptr<const std::string> topic;

  std::mutex mutex;
  // Under the mutex:
  GatheredBatch open;
  std::deque<GatheredBatch> sealed;
  std::size_t sealed_bytes = 0;
  std::size_t worth_bytes = 0;  ///< The I/O thread wants to be woken at so many.
  std::uint64_t accepted = 0;   ///< Records, since the start.
  bool listed = false;          ///< In Accumulator::ready_.

  std::atomic<std::uint64_t> reported{0};  ///< Records, since the start. Written by the I/O thread.
};

class Accumulator {
 public:
  Accumulator(const ProducerOptions& options, Waker& waker);

  // ---- API threads

  [[nodiscard]] Lane& lane(PartitionKey key, const std::shared_ptr<const std::string>& topic);

  enum class MayWait : std::uint8_t { no, yes };
  /// Requires: the record is within the limits.
  [[nodiscard]] Result<void> append(Lane& lane, const RecordView& record,
                                    DeliveryCallback* callback, MayWait may_wait);

  /// Waits until everything accepted before is reported. False: the time was over first.
  [[nodiscard]] bool flush(Micros timeout);
  /// Nothing is accepted any more.
  void close();

  // ---- I/O thread

  void take_ready(std::vector<Lane*>& out);
  void take_sealed(Lane& lane, std::vector<GatheredBatch>& out);
  /// Takes the open batch if it has `worth` bytes and has waited for `linger`, or is older than
  /// `age_max`. Else says when it is to be looked at again (`never`: when it is listed again).
  struct Taken {
    std::optional<GatheredBatch> batch;
    Micros look_again = never;
    bool sealed = false;  ///< One was sealed since take_sealed(), and goes first.
  };
  [[nodiscard]] Taken take_open(Lane& lane, std::optional<std::size_t> worth, Micros linger,
                                Micros age_max, Micros now);
  /// Everything that is left, after close().
  void take_rest(std::vector<std::pair<Lane*, GatheredBatch>>& out);
  void release(std::size_t charge);
  void on_reported(Lane& lane, std::uint32_t records);

  [[nodiscard]] bool flushing() const noexcept { return flushers_.load() > 0; }
  [[nodiscard]] std::size_t used() const noexcept { return used_.load(); }
  [[nodiscard]] std::uint64_t accepted();
  [[nodiscard]] BufferPool& pool() noexcept { return *pool_; }
  [[nodiscard]] bool closed() const noexcept { return closed_.load(); }

 private:
  enum class Appended : std::uint8_t { done, full, closed };
  [[nodiscard]] Appended try_append(Lane& lane, const RecordView& record,
                                    DeliveryCallback* callback);
  [[nodiscard]] bool charge(GatheredBatch& open, std::size_t bytes_more);
  [[nodiscard]] bool try_charge(std::size_t bytes);
  [[nodiscard]] bool wait_for_space(std::size_t bytes, Micros until);
  void put(Lane& lane, const RecordView& record, DeliveryCallback* callback);

  const std::size_t batch_bytes_max_;
  const std::size_t buffer_bytes_max_;
  const BackPressure back_pressure_;
  const Micros block_timeout_;
  Waker* waker_;
  std::shared_ptr<BufferPool> pool_;

  std::mutex lanes_mutex_;
  std::map<PartitionKey, std::unique_ptr<Lane>> lanes_;

  std::mutex ready_mutex_;
  std::vector<Lane*> ready_;

  std::atomic<std::size_t> used_{0};
  std::atomic<bool> closed_{false};
  std::atomic<int> flushers_{0};
  std::atomic<int> space_waiters_{0};
  std::mutex wait_mutex_;
  std::condition_variable changed_;  ///< Space came back, or records were reported.
};

}  // namespace pinion::client
