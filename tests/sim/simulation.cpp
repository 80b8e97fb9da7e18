#include "tests/sim/simulation.hpp"

#include "tests/sim/faults.hpp"
#include "tests/sim/workload.hpp"

#include "common/base/assert.hpp"

namespace pinion::sim {

namespace {

/// A life whose options keep it from ever being whole ends all the same.
constexpr Micros life_extended_by_max = 120s;

/// Everything that a run needs, and its course.
class Run {
 public:
  Run(const SimOptions& options, TraceLevel level, const MakeDisk& make_disk)
      : world_(options, level),
        cluster_(world_, make_disk),
        workload_(cluster_, options.seed ^ 0x776f726bULL),
        faults_(cluster_, options.seed ^ 0x6661756c7473ULL) {}

  RunResult run() {
    cluster_.start();
    faults_.begin();
    Micros healed_at = world_.options.safety_phase;
    run_until(healed_at);
    const Micros latest = healed_at + life_extended_by_max;
    while (world_.options.life == Life::whole && !failed() && !is_whole() && healed_at < latest) {
      healed_at += 100ms;
      run_until(healed_at);
    }
    if (failed()) return result();
    faults_.heal();
    workload_.finish();
    const Micros bound = healed_at + world_.options.liveness_bound;
    while (!failed() && !workload_.finished() && world_.scheduler.next_at() <= bound) step();
    if (failed()) return result();
    if (!workload_.finished()) {
      verdict_ = Verdict::liveness;
      world_.checker.violate("stuck", workload_.unfinished());
      return result();
    }
    world_.checker.check_end();
    if (world_.inspector.enabled()) cluster_.check_replicas();
    return result();
  }

 private:
  void run_until(Micros end) {
    while (!failed() && world_.scheduler.next_at() <= end) step();
  }

  void step() {
    if (world_.scheduler.steps() % 64 == 0) note_context();
    world_.scheduler.run_next();
  }

  [[nodiscard]] std::uint64_t faults() const { return world_.counters.of_all("fault: "); }
  [[nodiscard]] bool is_whole() const {
    return world_.checker.operations() >= whole_life_operations && faults() >= whole_life_faults;
  }

  /// What an assertion would say.
  void note_context() {
    set_assert_context("seed " + std::to_string(world_.options.seed) + " after step " +
                       std::to_string(world_.scheduler.steps()));
  }

  [[nodiscard]] bool failed() const { return world_.checker.violation().has_value(); }

  RunResult result() {
    RunResult result;
    if (failed()) {
      if (verdict_ == Verdict::passed) verdict_ = Verdict::correctness;
      result.name = world_.checker.violation()->name;
      result.text = world_.checker.violation()->text;
    }
    result.verdict = verdict_;
    result.steps = world_.scheduler.steps();
    result.operations = world_.checker.operations();
    result.faults = faults();
    result.ended_at = world_.scheduler.now();
    workload_.count_outcomes();
    result.trace_hash = world_.trace.hash();
    result.counters = world_.counters;
    return result;
  }

  World world_;
  Cluster cluster_;
  Workload workload_;
  Faults faults_;
  Verdict verdict_ = Verdict::passed;
};

}  // namespace

RunResult run_simulation(const SimOptions& options, TraceLevel level, const MakeDisk& make_disk) {
  Run run(options, level, make_disk);
  return run.run();
}

}  // namespace pinion::sim
