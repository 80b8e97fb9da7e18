// pinion-gateway: the HTTP gateway as a program of its own.
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>

#include "common/config/gateway_config.hpp"
#include "common/obs/log.hpp"
#include "common/obs/standard_files.hpp"
#include "gateway/app/gateway_server.hpp"

namespace {

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
  bool check_only = false;
  std::string path;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    if (argument == "--help" || argument == "-h") return std::fputs(usage, stdout) < 0 ? 1 : 0;
    if (argument == "--version") return std::puts("pinion-gateway " PINION_VERSION) < 0 ? 1 : 0;
    if (argument == "--check-config") {
      check_only = true;
    } else if (argument.substr(0, 1) == "-") {
      return fail("unknown option " + std::string(argument) + "; see --help");
    } else if (!path.empty()) {
      return fail("one configuration file is enough; see --help");
    } else {
      path = argument;
    }
  }
  if (path.empty()) return fail("name a configuration file, such as configs/gateway.toml");
  const auto config = pinion::load_gateway_config(path);
  if (!config) return fail(config.error().to_string());
  if (check_only) {
    const auto good = pinion::gateway::GatewayServer::check_config(*config);
    if (!good) return fail(good.error().to_string());
    return std::printf("%s is good\n", path.c_str()) < 0 ? 1 : 0;
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
