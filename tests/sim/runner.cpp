#include "tests/sim/runner.hpp"

#include "tests/sim/coverage.hpp"
#include "tests/sim/simulation.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unistd.h>

namespace pinion::sim {

namespace {

enum ExitStatus {
  passed = 0,
  usage = 1,
  correctness = 2,
  liveness = 3,
  crashed = 4,
  unreached = 5
};

struct Arguments {
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  TraceLevel trace = TraceLevel::none;
  bool internal_checks = true;
  bool quiet = false;
  bool coverage = false;
  bool reach_all = false;
  bool hashes = false;
  Life life = Life::any;
};

const char* const usage_text =
    "pinion-sim --seed N [--seeds COUNT] [--trace short|full] [--client-visible] [--whole] "
    "[--coverage] [--reach-all] [--hashes] [--quiet]\n"
    "  --seed N          the first seed (default 1)\n"
    "  --seeds COUNT     run that many seeds, from N on; stops at the first failure\n"
    "  --trace           print what happens, one line an event\n"
    "  --client-visible  only the checkers that see what clients see\n"
    "  --whole           each run has at least 3 nodes, 2,000 operations and 20 faults\n"
    "  --coverage        print how often each fault, event and answer was reached\n"
    "  --reach-all       fail when one of them that should be reached was not\n"
    "  --hashes          print each seed's steps and the hash of its log, to compare two builds\n"
    "  --quiet           nothing but a failure\n";

bool read_number(const char* text, std::uint64_t& number) {
  char* end = nullptr;
  number = std::strtoull(text, &end, 10);
  return end != text && *end == '\0';
}

bool read_arguments(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const char* const value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (name == "--client-visible") {
      arguments.internal_checks = false;
    } else if (name == "--whole") {
      arguments.life = Life::whole;
    } else if (name == "--coverage") {
      arguments.coverage = true;
    } else if (name == "--reach-all") {
      arguments.reach_all = true;
    } else if (name == "--hashes") {
      arguments.hashes = true;
    } else if (name == "--quiet") {
      arguments.quiet = true;
    } else if (name == "--seed" && value != nullptr && read_number(value, arguments.seed)) {
      ++i;
    } else if (name == "--seeds" && value != nullptr && read_number(value, arguments.seeds)) {
      ++i;
    } else if (name == "--trace" && value != nullptr && std::strcmp(value, "short") == 0) {
      arguments.trace = TraceLevel::brief;
      ++i;
    } else if (name == "--trace" && value != nullptr && std::strcmp(value, "full") == 0) {
      arguments.trace = TraceLevel::full;
      ++i;
    } else {
      return false;
    }
  }
  return true;
}

/// An assertion printed its line, with seed and step in it; the status tells it from other ends.
void on_abort(int) {
  std::fflush(stdout);
  _exit(crashed);
}

void print_failure(const SimOptions& options, const RunResult& result) {
  std::printf(
      "FAILED seed=%llu step=%llu at=%.3fms %s: %s\n  %s\n  replay: pinion-sim --seed %llu "
      "--trace short%s%s\n",
      static_cast<unsigned long long>(options.seed), static_cast<unsigned long long>(result.steps),
      static_cast<double>(result.ended_at.count()) / 1000.0, result.name.c_str(),
      result.text.c_str(), options.describe().c_str(),
      static_cast<unsigned long long>(options.seed),
      options.internal_checks ? "" : " --client-visible",
      options.life == Life::whole ? " --whole" : "");
}

void print_coverage(const Counters& counters) {
  for (const auto& [what, times] : counters.values()) {
    std::printf("%12llu  %s\n", static_cast<unsigned long long>(times), what.c_str());
  }
  for (const CoveragePath& path : coverage_paths()) {
    if (counters.of(path.what) > 0) continue;
    std::printf("%12d  %s  (%s)\n", 0, path.what.c_str(),
                path.excuse.empty() ? "NOT REACHED" : path.excuse.c_str());
  }
}

ExitStatus check_coverage(const Counters& counters) {
  const std::vector<std::string> missing = not_reached(counters);
  for (const std::string& what : missing) {
    std::printf("FAILED not reached by any of these seeds: %s\n", what.c_str());
  }
  return missing.empty() ? passed : unreached;
}

int run(const Arguments& arguments, const MakeDisk& make_disk) {
  Counters counters;
  std::uint64_t steps = 0;
  std::uint64_t operations = 0;
  std::uint64_t faults = 0;
  std::uint64_t whole_lives = 0;
  for (std::uint64_t seed = arguments.seed; seed < arguments.seed + arguments.seeds; ++seed) {
    SimOptions options = SimOptions::draw(seed, arguments.life);
    options.internal_checks = arguments.internal_checks;
    if (arguments.seeds == 1 && !arguments.quiet) {
      std::printf("seed=%llu %s\n", static_cast<unsigned long long>(seed),
                  options.describe().c_str());
      std::fflush(stdout);
    }
    const RunResult result = run_simulation(options, arguments.trace, make_disk);
    counters.add(result.counters);
    steps += result.steps;
    operations += result.operations;
    faults += result.faults;
    const bool is_whole = options.nodes >= whole_life_nodes &&
                          result.operations >= whole_life_operations &&
                          result.faults >= whole_life_faults;
    if (is_whole) ++whole_lives;
    if (arguments.hashes) {
      std::printf("%llu %llu %016llx\n", static_cast<unsigned long long>(seed),
                  static_cast<unsigned long long>(result.steps),
                  static_cast<unsigned long long>(result.trace_hash));
    } else if (arguments.seeds == 1 && !arguments.quiet) {
      std::printf("steps=%llu ended=%.3fms hash=%016llx\n",
                  static_cast<unsigned long long>(result.steps),
                  static_cast<double>(result.ended_at.count()) / 1000.0,
                  static_cast<unsigned long long>(result.trace_hash));
    }
    if (result.verdict != Verdict::passed) {
      print_failure(options, result);
      return result.verdict == Verdict::correctness ? correctness : liveness;
    }
  }
  if (arguments.coverage) print_coverage(counters);
  if (arguments.reach_all && check_coverage(counters) != passed) return unreached;
  if (!arguments.quiet) {
    std::printf(
        "passed: %llu seeds from %llu, %llu steps, %llu operations, %llu faults; whole lives: "
        "%llu\n",
        static_cast<unsigned long long>(arguments.seeds),
        static_cast<unsigned long long>(arguments.seed), static_cast<unsigned long long>(steps),
        static_cast<unsigned long long>(operations), static_cast<unsigned long long>(faults),
        static_cast<unsigned long long>(whole_lives));
  }
  return passed;
}

}  // namespace

int run_command_line(int argc, char** argv, const MakeDisk& make_disk) {
  Arguments arguments;
  if (!read_arguments(argc, argv, arguments)) {
    std::fputs(usage_text, stderr);
    return usage;
  }
  std::signal(SIGABRT, on_abort);
  return run(arguments, make_disk);
}

}  // namespace pinion::sim
