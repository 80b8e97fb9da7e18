// A whole HTTP gateway: the HTTP server over the cluster, metrics, access log. The one place that
// names them together; pinion-gateway and `pinion up --http` start the same.
//
// start() and stop() may be called from any one thread. The gateway runs its own.
#pragma once

#include "common/base/result.hpp"
#include "common/config/gateway_config.hpp"

#include <memory>
#include <string>
#include <vector>

namespace pinion::gateway {

class GatewayServer {
 public:
  /// Serves from now on, also while no broker answers (then with 503). Errors say what to do:
  /// config_invalid, io_failed (an address in use, a certificate), wrong_cluster.
  [[nodiscard]] static Result<std::unique_ptr<GatewayServer>> start(const GatewayConfig& config);

  /// What start() would find wrong without opening anything: values, certificate and key.
  [[nodiscard]] static Result<void> check_config(const GatewayConfig& config);

  /// Stops as stop() does.
  ~GatewayServer();
  GatewayServer(const GatewayServer&) = delete;
  GatewayServer& operator=(const GatewayServer&) = delete;

  /// "http://127.0.0.1:8080", one for each address.
  [[nodiscard]] std::vector<std::string> addresses() const;

  /// Takes no more requests, answers those that are there, at most for some seconds. Idempotent.
  void stop();

 private:
  struct Inside;
  explicit GatewayServer(std::unique_ptr<Inside> inside) noexcept;
  std::unique_ptr<Inside> inside_;
};

}  // namespace pinion::gateway
