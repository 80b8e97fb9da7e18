// A failure is worth as much as its replay: a seed gives the same run, step for step.
#include "tests/sim/simulation.hpp"

#include <catch2/catch.hpp>

using namespace pinion::sim;

TEST_CASE("replay: a seed gives the same run twice", "[scenario]") {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const SimOptions options = SimOptions::draw(seed);
    const RunResult first = run_simulation(options, TraceLevel::none);
    const RunResult second = run_simulation(options, TraceLevel::none);
    INFO("seed " << seed);
    CHECK(first.trace_hash == second.trace_hash);
    CHECK(first.steps == second.steps);
    CHECK(first.ended_at == second.ended_at);
    CHECK(first.counters.values() == second.counters.values());
  }
}

TEST_CASE("replay: another seed gives another run", "[scenario]") {
  const RunResult one = run_simulation(SimOptions::draw(1), TraceLevel::none);
  const RunResult two = run_simulation(SimOptions::draw(2), TraceLevel::none);
  CHECK(one.trace_hash != two.trace_hash);
}

TEST_CASE("replay: the checkers that look inside change nothing of a run", "[scenario]") {
  SimOptions options = SimOptions::draw(3);
  const RunResult with = run_simulation(options, TraceLevel::none);
  options.internal_checks = false;
  const RunResult without = run_simulation(options, TraceLevel::none);
  CHECK(with.trace_hash == without.trace_hash);
}
