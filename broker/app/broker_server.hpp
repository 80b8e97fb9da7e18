// A whole leader broker: broker.db, both sockets, the core and the threads that serve it. The one
// place that names the broker's driver together with its adapters; pinion-broker and `pinion up`
// start the same.
//
// start() and stop() may be called from any one thread. The server runs its own.
#pragma once

#include "common/base/result.hpp"
#include "common/config/broker_config.hpp"
#include "common/base/restored.hpp"

#include <memory>
#include <string>

namespace pinion {

class BrokerServer {
 public:
  /// Opens broker.db (made when missing), bumps the controller epoch durably, binds both sockets
  /// and returns while the server goes on in its own threads. Errors say what to do:
  /// config_invalid, file_corrupt (a damaged or foreign broker.db), io_failed (an address in use).
  /// `restored`: broker.db was put back from a backup; see MetaStore::begin_term().
  [[nodiscard]] static Result<std::unique_ptr<BrokerServer>> start(
      const BrokerConfig& config, Restored restored = Restored::no);

  /// Stops as stop() does.
  ~BrokerServer();
  BrokerServer(const BrokerServer&) = delete;
  BrokerServer& operator=(const BrokerServer&) = delete;

  /// Where clients connect, with the port that a wildcard became.
  [[nodiscard]] std::string client_endpoint() const;
  /// Where partition brokers connect.
  [[nodiscard]] std::string cluster_endpoint() const;

  /// Says goodbye to nodes and clients, writes what is decided and ends. Idempotent.
  void stop();

 private:
  struct Inside;
  explicit BrokerServer(std::unique_ptr<Inside> inside) noexcept;
  std::unique_ptr<Inside> inside_;
};

}  // namespace pinion
