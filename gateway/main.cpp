// pinion-gateway: the HTTP gateway as a program of its own.
#include <csignal>
#include <cstdio>
#include <string>

#include "common/config/gateway_config.hpp"
#include "common/config/server_line.hpp"
#include "common/obs/log.hpp"
#include "common/obs/standard_files.hpp"
#include "gateway/app/gateway_server.hpp"

namespace {

using Ask = pinion::ServerLine::Ask;

constexpr const char* usage =
    "pinion-gateway CONFIG.toml       serve HTTP until SIGTERM or Ctrl-C\n"
    "pinion-gateway --check-config CONFIG.toml    say whether the file is good, and end\n"
    "pinion-gateway --help | --version\n"
    "configs/gateway.toml shows every key with its unit, default and reason.\n";

int fail(const std::string& why) {
  std::fprintf(stderr, "pinion-gateway: %s\n", why.c_str());
  return 1;
}

/// Prints where it serves, and waits for a signal to end. Requires: the signals are blocked.
int serve(const pinion::GatewayConfig& config, const sigset_t& signals) {
  if (auto log = pinion::start_log(config.log); !log) return fail(log.error().to_string());
  auto server = pinion::gateway::GatewayServer::start(config);
  if (!server) {
    pinion::stop_log();
    return fail(server.error().to_string());
  }
  for (const std::string& address : (*server)->addresses()) {
    std::printf("ready %s\n", address.c_str());
  }
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  (*server)->stop();
  pinion::stop_log();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  pinion::hold_standard_files();
  const auto line = pinion::parse_server_line(argc, argv, {"configs/gateway.toml", false});
  if (!line) return fail(line.error().detail);
  if (line->ask == Ask::help) return std::fputs(usage, stdout) < 0 ? 1 : 0;
  if (line->ask == Ask::version) return std::puts("pinion-gateway " PINION_VERSION) < 0 ? 1 : 0;
  const auto config = pinion::load_gateway_config(line->config);
  if (!config) return fail(config.error().to_string());
  if (line->ask == Ask::check_config) {
    const auto good = pinion::gateway::GatewayServer::check_config(*config);
    if (!good) return fail(good.error().to_string());
    return std::printf("%s is good\n", line->config.c_str()) < 0 ? 1 : 0;
  }
  // Blocked before any thread starts, so that only sigwait sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return serve(*config, signals);
}
