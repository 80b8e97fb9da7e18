// PINION_ASSERT: for bugs only, and on in release builds. Never for input from outside, never for
// time. fatal(): for an environment that can no longer be trusted; each reason has its own exit
// status.
#pragma once

#include <cstdint>
#include <string_view>

namespace pinion {

/// Exit statuses from 64 on, so that a supervisor can tell them from ordinary failures (1) and
/// signals.
enum class FatalReason : std::uint8_t {
  assertion = 64,
  store_unusable = 65,
  metadata_unusable = 66,
  out_of_descriptors = 67,
};

/// Prints one line on stderr and ends the process with the reason's status (an assertion aborts).
[[noreturn]] void fatal(FatalReason reason, std::string_view what) noexcept;

/// What a failed assertion adds to its message: the simulator puts the seed and step here, a server
/// its node.
void set_assert_context(std::string_view context) noexcept;

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace pinion

#define PINION_ASSERT(condition)                                  \
  do {                                                            \
    if (!(condition)) [[unlikely]] {                              \
      ::pinion::assertion_failed(#condition, __FILE__, __LINE__); \
    }                                                             \
  } while (false)
