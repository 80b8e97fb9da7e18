// BrokerDriver: the shell around Broker. One thread takes messages off both sockets, steps the core
// and carries out its effects; MetaWriter's thread writes the metadata. It decides nothing but when
// the client socket is reset (memory_fuse.hpp).
//
// run() belongs to the thread that calls it, and with it the transport; stop() to any.
#pragma once

#include "broker/core/broker.hpp"
#include "broker/driver/meta_writer.hpp"
#include "common/obs/log.hpp"
#include "common/obs/memory_fuse.hpp"
#include "common/obs/process_memory.hpp"
#include "common/ports/meta_store.hpp"
#include "common/ports/transport.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace pinion {

struct BrokerDriverOptions {
  std::uint64_t memory_fuse_bytes = limits::memory_fuse_default;
  Micros memory_check_every = 100ms;
  Micros stop_within = 2s;     ///< For decisions that are on their way when it is asked to stop.
  std::function<Now()> clock;  ///< Empty: the system's.
};

class BrokerDriver {
 public:
  /// The transport's links.
  static constexpr Link client_link{0};
  static constexpr Link cluster_link{1};

  /// `state` is what the store's begin_term() returned. Transport and store outlive the driver.
  BrokerDriver(BrokerOptions broker, MetaState state, Transport& transport, MetaStore& store,
               BrokerDriverOptions options);
  BrokerDriver(const BrokerDriver&) = delete;
  BrokerDriver& operator=(const BrokerDriver&) = delete;

  /// Serves until stop(), says goodbye, and returns when what was decided is written.
  void run();
  /// Thread-safe.
  void stop();

 private:
  [[nodiscard]] Now now() const;
  void receive(const Now& now);
  void take_persisted(const Now& now);
  void step(const Now& now, BrokerInput input);
  void carry_out(const Now& now);
  void send_all(std::vector<NotSent>& failed);
  void watch_memory(const Now& now);
  void log_event(const BrokerEvent& event);
  void log_refusals(const Now& now);

  BrokerDriverOptions options_;
  Transport& transport_;
  Broker broker_;
  MetaWriter writer_;
  std::atomic<bool> stop_asked_{false};

  BrokerEffects effects_;  ///< Reused.
  std::vector<MetaWriter::Done> done_;
  ProcessMemory memory_;
  MemoryFuse fuse_;
  Micros tick_at_{0};
  Micros memory_check_at_{0};
  Micros refusals_log_at_{0};
  struct Refusals {
    std::uint64_t malformed = 0;
    std::uint64_t replies_dropped = 0;
    std::uint64_t node_sends_failed = 0;
    friend bool operator==(const Refusals&, const Refusals&) = default;
  };
  Refusals logged_;
};

}  // namespace pinion
