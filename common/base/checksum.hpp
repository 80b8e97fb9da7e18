// CRC-32C (Castagnoli, RFC 3720 appendix B.4), as kept with every batch. Made by ISA-L, whose
// implementation uses the processor's own instructions and is named nowhere else.
#pragma once

#include <cstdint>
#include <string_view>

namespace pinion {

/// The checksum of `bytes`. crc32c("123456789") is 0xe3069283.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes) noexcept;

/// The checksum of what `crc` covered followed by `bytes`: crc32c_extend(crc32c(a), b) == crc32c(a
/// + b).
[[nodiscard]] std::uint32_t crc32c_extend(std::uint32_t crc, std::string_view bytes) noexcept;

}  // namespace pinion
