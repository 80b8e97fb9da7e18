#include "common/base/checksum.hpp"

#include <isa-l/crc.h>

#include <algorithm>
#include <limits>

namespace pinion {

std::uint32_t crc32c(std::string_view bytes) noexcept { return crc32c_extend(0, bytes); }

std::uint32_t crc32c_extend(std::uint32_t crc, std::string_view bytes) noexcept {
  // ISA-L leaves the usual inversion before and after to its caller, takes an int for the size, and
  // a pointer to non-const bytes that it does not write.
  constexpr std::size_t piece_max = static_cast<std::size_t>(std::numeric_limits<int>::max());
  std::uint32_t state = ~crc;
  while (!bytes.empty()) {
    const std::size_t piece = std::min(bytes.size(), piece_max);
    auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
    state = crc32_iscsi(data, static_cast<int>(piece), state);
    bytes.remove_prefix(piece);
  }
  return ~state;
}

}  // namespace pinion
