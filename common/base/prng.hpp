// A small seeded generator with integer results only: the same numbers from every compiler and
// library (the standard's distributions may differ). xoshiro256** by Blackman and Vigna, seeded by
// splitmix64; both in the public domain, prng.di.unimi.it.
#pragma once

#include <array>
#include <cstdint>

namespace pinion {

class Prng {
 public:
  explicit Prng(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15ULL;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31);
    }
  }

  [[nodiscard]] std::uint64_t next() noexcept {
    const std::uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate_left(state_[3], 45);
    return result;
  }

  /// A number in [0, count). Requires: count > 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t count) noexcept { return next() % count; }

  /// A number in [low, high], both included. Requires: low <= high.
  [[nodiscard]] std::int64_t between(std::int64_t low, std::int64_t high) noexcept {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }

  /// True with probability n / d.
  [[nodiscard]] bool chance(std::uint64_t n, std::uint64_t d) noexcept { return below(d) < n; }

 private:
  static constexpr std::uint64_t rotate_left(std::uint64_t x, int k) noexcept {
    return (x << k) | (x >> (64 - k));
  }

  std::array<std::uint64_t, 4> state_{};
};

}  // namespace pinion
