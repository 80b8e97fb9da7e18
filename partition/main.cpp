// pinion-partition: a partition broker as a program of its own.
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>

#include "common/config/partition_config.hpp"
#include "common/obs/log.hpp"
#include "common/obs/standard_files.hpp"
#include "partition/app/partition_server.hpp"

namespace {

constexpr const char* usage =
    "pinion-partition CONFIG.toml        run a partition broker until SIGTERM or Ctrl-C\n"
    "pinion-partition --check-config CONFIG.toml    say whether the file is good, and end\n"
    "pinion-partition --help | --version\n"
    "configs/partition-1.toml shows every key with its unit, default and reason.\n";

int fail(const std::string& why) {
  std::fprintf(stderr, "pinion-partition: %s\n", why.c_str());
  return 1;
}

int print(const std::string& text) {
  const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return written ? 0 : fail("what was asked for could not be written out");
}

/// Prints that it runs, and waits for a signal to end. Requires: the signals are blocked.
int serve(const pinion::PartitionConfig& config, const sigset_t& signals) {
  if (auto log = pinion::start_log(config.log); !log) return fail(log.error().to_string());
  auto server = pinion::PartitionServer::start(config);
  if (!server) {
    pinion::stop_log();
    return fail(server.error().to_string());
  }
  std::printf("ready node %d\n", config.node_id.raw());
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
    if (argument == "--help" || argument == "-h") return print(usage);
    if (argument == "--version") return print("pinion-partition " PINION_VERSION "\n");
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
  if (path.empty()) return fail("name a configuration file, such as configs/partition-1.toml");
  const auto config = pinion::load_partition_config(path);
  if (!config) return fail(config.error().to_string());
  if (check_only) return print(path + " is good\n");

  // Blocked before any thread starts, so that only sigwait sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return serve(*config, signals);
}
