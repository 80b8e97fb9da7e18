// A pinion-gateway of its own, and nginx in front of several, for the tests that kill them.
#pragma once

#include "tests/support/test_process.hpp"

#include <memory>
#include <string>
#include <vector>

namespace pinion::test {

class GatewayProcess {
 public:
  /// Waits until it serves. `toml`: further lines of its configuration.
  explicit GatewayProcess(std::string broker, std::string toml = {});

  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] TestProcess& process() { return *process_; }
  void kill() { process_->kill(); }
  void start();

 private:
  TemporaryFolder folder_;
  int port_;
  std::unique_ptr<TestProcess> process_;
};

/// configs/nginx.conf, with the ports of this test in it. For tests that are tagged [.nginx]: they
/// are run where there is one, by with_nginx.sh.
class Nginx {
 public:
  /// Two gateways' ports.
  Nginx(int first_gateway, int second_gateway);
  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] TestProcess& process() { return *process_; }

 private:
  TemporaryFolder folder_;
  int port_;
  std::unique_ptr<TestProcess> process_;
};

}  // namespace pinion::test
