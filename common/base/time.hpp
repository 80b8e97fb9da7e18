// Time as a value. No code below the drivers reads a clock: it is handed a Now.
#pragma once

#include <chrono>
#include <cstdint>

namespace pinion {

/// Every duration and point in time in Pinion. Points are microseconds since 1970 UTC (wall), or
/// since an arbitrary start that never jumps (monotonic); the field's name says which.
using Micros = std::chrono::microseconds;
using namespace std::chrono_literals;

/// Both clocks, read once by a driver before it steps a core.
struct Now {
  Micros monotonic{0};  ///< For deadlines. Never goes back within a process.
  Micros wall{0};       ///< For timestamps that people read. May jump.
};

/// "Never", as a deadline. Far enough from the type's end to be added to.
inline constexpr Micros never{std::chrono::hours(24 * 365 * 1000)};

[[nodiscard]] constexpr Micros micros(std::int64_t count) noexcept { return Micros(count); }

}  // namespace pinion
