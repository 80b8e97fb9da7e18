#include "tests/e2e/gateway/gateway_process.hpp"

#include "tests/support/http_client.hpp"
#include "tests/support/process_cluster.hpp"

#include <stdexcept>

namespace pinion::test {
namespace {

constexpr const char* nginx_program = "/usr/sbin/nginx";

void replace(std::string& text, const std::string& what, const std::string& with) {
  std::size_t at = text.find(what);
  if (at == std::string::npos) throw std::runtime_error("configs/nginx.conf has no " + what);
  for (; at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

}  // namespace

GatewayProcess::GatewayProcess(std::string broker, std::string toml) : port_(free_port()) {
  write_file(folder_ / "gateway.toml", "broker = \"" + broker + "\"\nbinds = [\"127.0.0.1:" +
                                           std::to_string(port_) + "\"]\n" + toml);
  start();
}

void GatewayProcess::start() {
  ProcessOptions options;
  options.arguments = {programs() + "/pinion-gateway", folder_ / "gateway.toml"};
  process_ = std::make_unique<TestProcess>(options);
  if (!process_->wait_for_output("ready ", patience(20s))) {
    throw std::runtime_error("pinion-gateway did not get ready: " + process_->errors());
  }
}

Nginx::Nginx(int first_gateway, int second_gateway) : port_(free_port()) {
  std::string config = read_file(PINION_SOURCES "/configs/nginx.conf");
  replace(config, "127.0.0.1:8080", "127.0.0.1:" + std::to_string(first_gateway));
  replace(config, "127.0.0.1:8081", "127.0.0.1:" + std::to_string(second_gateway));
  replace(config, "127.0.0.1:8088", "127.0.0.1:" + std::to_string(port_));
  write_file(folder_ / "nginx.conf", config);
  ProcessOptions options;
  options.arguments = {nginx_program,
                       "-p",
                       folder_.path(),
                       "-c",
                       folder_ / "nginx.conf",
                       "-g",
                       "daemon off; master_process off; error_log stderr;"};
  process_ = std::make_unique<TestProcess>(options);
  HttpClient client(port_);
  // It answers, whether there is a gateway behind it or not.
  if (!eventually(patience(10s), [&] { return client.ask("GET", "/ping").status != 0; })) {
    throw std::runtime_error("nginx did not get ready: " + process_->errors());
  }
}

}  // namespace pinion::test
