// What a swarm has to reach: every fault, every event of the cores, every answer that a client can
// be given, every strange thing that is refused. A path that the simulation cannot reach stands
// here with its reason; any other that a swarm counts 0 times means that it no longer tests that.
#pragma once

#include "tests/sim/counters.hpp"

#include <string>
#include <vector>

namespace pinion::sim {

struct CoveragePath {
  std::string what;    ///< As among the counters.
  std::string excuse;  ///< Why it need not be reached; empty: it must be.
};

[[nodiscard]] std::vector<CoveragePath> coverage_paths();

/// Those of coverage_paths() that must be reached and were not.
[[nodiscard]] std::vector<std::string> not_reached(const Counters& counters);

}  // namespace pinion::sim
