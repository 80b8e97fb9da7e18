#include "client/core/key_hash.hpp"

#include <cstddef>
#include <cstring>

namespace pinion::client {

std::uint32_t murmur2(std::string_view key) noexcept {
  constexpr std::uint32_t m = 0x5bd1e995;
  constexpr int r = 24;
  std::uint32_t h = 0x9747b28cU ^ static_cast<std::uint32_t>(key.size());
  std::size_t at = 0;
  for (; at + 4 <= key.size(); at += 4) {
    std::uint32_t k = 0;
    std::memcpy(&k, key.data() + at, 4);
    k *= m;
    k ^= k >> r;
    k *= m;
    h *= m;
    h ^= k;
  }
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(key[at + i]));
  };
  const std::size_t left = key.size() - at;
  if (left >= 3) h ^= byte(2) << 16;
  if (left >= 2) h ^= byte(1) << 8;
  if (left >= 1) {
    h ^= byte(0);
    h *= m;
  }
  h ^= h >> 13;
  h *= m;
  h ^= h >> 15;
  return h;
}

}  // namespace pinion::client
