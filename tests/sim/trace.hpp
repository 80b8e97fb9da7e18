// What happened, one line an event: always hashed, so that two runs of a seed can be compared, and
// printed when asked for. Columns: step, virtual time in ms, actor, what (docs/TESTING.md).
#pragma once

#include "tests/sim/scheduler.hpp"

#include <cstdint>
#include <string_view>

namespace pinion::sim {

enum class TraceLevel : std::uint8_t {
  none,
  brief,  ///< Faults, processes' lives, operations of clients, changes of leaders.
  full,   ///< And every message, commit and step.
};

class Trace {
 public:
  Trace(const Scheduler& scheduler, TraceLevel level) noexcept
      : scheduler_(scheduler), level_(level) {}

  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }

#if defined(__GNUC__)
#define PINION_SIM_PRINTF __attribute__((format(printf, 3, 4)))
#else
#define PINION_SIM_PRINTF
#endif
  PINION_SIM_PRINTF void brief(const char* actor, const char* format, ...);
  PINION_SIM_PRINTF void full(const char* actor, const char* format, ...);
#undef PINION_SIM_PRINTF

 private:
  void take(const char* actor, std::string_view text, bool print);

  const Scheduler& scheduler_;
  const TraceLevel level_;
  std::uint64_t hash_ = 14695981039346656037ULL;
};

}  // namespace pinion::sim
