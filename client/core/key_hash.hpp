// The hash that chooses a keyed record's partition: murmur2, 32 bits, seed 0x9747b28c,
// little-endian, as Kafka's clients use it, so that a key's partition can be computed in any
// language. It never changes: records of one key would leave their order. Public domain algorithm
// by Austin Appleby.
#pragma once

#include <cstdint>
#include <string_view>

namespace pinion::client {

[[nodiscard]] std::uint32_t murmur2(std::string_view key) noexcept;

}  // namespace pinion::client
