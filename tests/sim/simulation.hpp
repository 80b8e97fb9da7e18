// One run: a cluster, its clients and what goes wrong, from one seed to a verdict. First the safety
// phase, with faults; then everything is healed and must come to rest within a bound of virtual
// time (liveness); then what clients saw is held against what is there.
#pragma once

#include "tests/sim/cluster.hpp"
#include "tests/sim/options.hpp"
#include "tests/sim/trace.hpp"

#include <cstdint>
#include <string>

namespace pinion::sim {

enum class Verdict : std::uint8_t { passed, correctness, liveness };

struct RunResult {
  Verdict verdict = Verdict::passed;
  std::string name;  ///< Of the violation.
  std::string text;
  std::uint64_t steps = 0;
  std::uint64_t operations = 0;
  std::uint64_t faults = 0;
  Micros ended_at{0};
  std::uint64_t trace_hash = 0;
  Counters counters;
};

[[nodiscard]] RunResult run_simulation(const SimOptions& options, TraceLevel level,
                                       const MakeDisk& make_disk = make_memory_disk);

}  // namespace pinion::sim
