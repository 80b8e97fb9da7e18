// ClientDriver: the one I/O thread of a client. It owns the transport and the session core, takes
// batches from the accumulators and commands from API threads, carries out what the core wants, and
// runs the callbacks. It decides nothing.
//
// API threads: post() and the shared objects (Accumulator, ConsumerBuffer, TopicDirectory,
// CallSlot).
#pragma once

#include "client/api/producer.hpp"
#include "client/core/client_session.hpp"
#include "client/driver/accumulator.hpp"
#include "client/driver/call_slot.hpp"
#include "client/driver/consumer_buffer.hpp"
#include "client/driver/producer_feed.hpp"
#include "client/driver/topic_directory.hpp"
#include "client/driver/waker.hpp"
#include "common/base/bounded_queue.hpp"
#include "common/base/result.hpp"
#include "common/ports/transport.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace pinion::client {

class ClientDriver {
 public:
  using TransportFactory = std::function<Result<std::unique_ptr<Transport>>()>;

  /// The factory is called on the I/O thread, which the transport then belongs to. Its link 0 leads
  /// to the broker.
  [[nodiscard]] static Result<std::shared_ptr<ClientDriver>> start(SessionOptions options,
                                                                   TransportFactory open);
  ~ClientDriver();
  ClientDriver(const ClientDriver&) = delete;
  ClientDriver& operator=(const ClientDriver&) = delete;

  // ---- Any thread

  /// Ends the I/O thread after reporting everything that is open. Idempotent.
  void stop();
  [[nodiscard]] bool on_io_thread() const noexcept {
    return std::this_thread::get_id() == io_thread_.load(std::memory_order_relaxed);
  }

  /// Waits until the broker answered our hello (ok) or refused it, or the time is over.
  [[nodiscard]] Result<void> wait_until_connected(Micros timeout);
  [[nodiscard]] ConnectionStatus status() const;

  [[nodiscard]] Result<std::shared_ptr<TopicEntry>> watch(const std::string& topic);
  [[nodiscard]] TopicDirectory& topics() noexcept { return topics_; }
  [[nodiscard]] Waker& waker() noexcept { return waker_; }
  [[nodiscard]] std::size_t record_bytes_max() const noexcept {
    return record_bytes_max_.load(std::memory_order_relaxed);
  }

  struct AddProducer {
    ProducerOptions options;
    std::shared_ptr<Accumulator> accumulator;
    std::shared_ptr<ProducerTotals> totals;
  };
  [[nodiscard]] Result<ProducerHandle> add_producer(AddProducer producer);
  /// When it returns, everything is reported. Requires: the accumulator is closed.
  void remove_producer(ProducerHandle producer);

  struct AddConsumer {
    ConsumerSettings settings;
    std::shared_ptr<ConsumerBuffer> buffer;
    Micros auto_commit_every = never;  ///< never: not.
  };
  [[nodiscard]] Result<ConsumerHandle> add_consumer(AddConsumer consumer);
  void remove_consumer(ConsumerHandle consumer);
  [[nodiscard]] Result<void> seek(Seek seek);
  /// The slot expects one answer a position; the positions are noted in the buffer.
  [[nodiscard]] Result<void> commit(ConsumerHandle consumer, std::vector<ReadPosition> positions,
                                    Micros timeout, std::shared_ptr<CallSlot> slot);

  /// Waits for the answer. Not on the I/O thread.
  struct Ask {
    std::string topic;
    PartitionIndex partition{0};
    Body body;
    Frames records{};
  };
  [[nodiscard]] Result<CallDone> call(Ask ask, Micros timeout);
  /// Does not wait: the answer comes on the I/O thread, or at once when the call is refused here.
  using Answer = std::function<void(CallDone&&)>;
  void call(Ask ask, Micros timeout, Answer answer);

 private:
  struct ConsumerFeed {
    std::shared_ptr<ConsumerBuffer> buffer;
    Micros auto_commit_every = never;
    Micros auto_commit_at = never;
  };
  struct OpenCall {
    std::shared_ptr<CallSlot> slot;          ///< Somebody waits.
    Answer answer;                           ///< Somebody is called. Neither: an automatic commit.
    std::optional<ConsumerHandle> consumer;  ///< Of a commit.
    ReadPosition position{};
  };
  using Command = std::function<void()>;

  explicit ClientDriver(SessionOptions options);

  // client_driver.cpp: the API threads' part.
  [[nodiscard]] Result<void> post(Command command);
  [[nodiscard]] Result<void> post_and_wait(Command command);

  // client_loop.cpp: the I/O thread.
  void run(const TransportFactory& open, const std::function<void(Result<void>)>& opened);
  void loop();
  [[nodiscard]] bool receive();
  void run_commands();
  void pump_producers();
  void pump_consumers();
  void commit_automatically(ConsumerHandle handle, ConsumerFeed& feed);
  void send_commit(ConsumerHandle handle, const ReadPosition& position, Micros deadline,
                   std::shared_ptr<CallSlot> slot);
  void step(Input input);
  void carry_out(Effects& effects);
  void end_call(CallDone&& done);
  void send_queued();
  void tell_status();
  [[nodiscard]] Micros sleep_for() const;
  void shut_down();

  // ---- Shared
  Waker waker_;
  TopicDirectory topics_;
  BoundedQueue<Command> commands_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> record_bytes_max_;
  mutable std::mutex status_mutex_;
  mutable std::condition_variable status_changed_;
  ConnectionStatus status_;
  Micros away_since_;  ///< Monotonic; when it was not connected last began.
  std::optional<Error> refusal_;
  std::atomic<std::uint32_t> last_handle_{0};
  std::mutex stop_mutex_;
  std::thread thread_;
  std::atomic<std::thread::id> io_thread_{};

  // ---- The I/O thread's own
  std::unique_ptr<Transport> transport_;
  ClientSession session_;
  Now now_;
  std::vector<Effects> spare_effects_;
  std::deque<Frames> out_;  ///< What the transport did not take yet.
  std::map<ProducerHandle, ProducerFeed> producers_;
  std::map<ConsumerHandle, ConsumerFeed> consumers_;
  std::map<CallId, OpenCall> calls_;
  std::uint64_t last_call_ = 0;
  std::vector<Command> taken_;
};

}  // namespace pinion::client
