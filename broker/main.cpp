// pinion-broker: the leader broker as a program of its own.
#include <csignal>
#include <cstdio>
#include <string>

#include "broker/app/broker_server.hpp"
#include "common/config/broker_config.hpp"
#include "common/config/server_line.hpp"
#include "common/obs/log.hpp"
#include "common/obs/standard_files.hpp"

namespace {

using Ask = pinion::ServerLine::Ask;

constexpr const char* usage =
    "pinion-broker CONFIG.toml        run a leader broker until SIGTERM or Ctrl-C\n"
    "pinion-broker --restored CONFIG.toml    once, when broker.db was put back from a backup:\n"
    "                        go on from there, although something newer was seen\n"
    "pinion-broker --check-config CONFIG.toml    say whether the file is good, and end\n"
    "pinion-broker --help | --version\n"
    "configs/broker.toml shows every key with its unit, default and reason.\n";

int fail(const std::string& why) {
  std::fprintf(stderr, "pinion-broker: %s\n", why.c_str());
  return 1;
}

int print(const std::string& text) {
  const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return written ? 0 : fail("what was asked for could not be written out");
}

/// Prints where it serves, and waits for a signal to end. Requires: the signals are blocked.
int serve(const pinion::BrokerConfig& config, pinion::Restored restored, const sigset_t& signals) {
  if (auto log = pinion::start_log(config.log); !log) return fail(log.error().to_string());
  auto server = pinion::BrokerServer::start(config, restored);
  if (!server) {
    pinion::stop_log();
    return fail(server.error().to_string());
  }
  std::printf("ready %s\n", (*server)->client_endpoint().c_str());
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
  const auto line = pinion::parse_server_line(argc, argv, {"configs/broker.toml", true});
  if (!line) return fail(line.error().detail);
  if (line->ask == Ask::help) return print(usage);
  if (line->ask == Ask::version) return print("pinion-broker " PINION_VERSION "\n");
  const auto config = pinion::load_broker_config(line->config);
  if (!config) return fail(config.error().to_string());
  if (line->ask == Ask::check_config) return print(line->config + " is good\n");

  // Blocked before any thread starts, so that only sigwait sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return serve(*config, line->restored, signals);
}
