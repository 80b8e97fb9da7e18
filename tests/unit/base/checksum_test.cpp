// CRC-32C against published values and against the definition, bit by bit.
#include "common/base/checksum.hpp"

#include <catch2/catch.hpp>

#include "common/base/prng.hpp"

#include <string>

namespace pinion {
namespace {

std::uint32_t by_definition(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
  }
  return ~crc;
}

TEST_CASE("checksum: the published values (RFC 3720 B.4)", "[base]") {
  CHECK(crc32c("") == 0);
  CHECK(crc32c("123456789") == 0xe3069283);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aa);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43);
}

TEST_CASE("checksum: any bytes at any place, in one piece or in two", "[base]") {
  Prng prng(1);
  std::string bytes(1'000, '\0');
  for (char& c : bytes) c = static_cast<char>(prng.below(256));
  for (int round = 0; round < 500; ++round) {
    const std::size_t begin = prng.below(64);
    const std::string_view part = std::string_view(bytes).substr(begin, prng.below(900));
    REQUIRE(crc32c(part) == by_definition(part));
    const std::size_t cut = prng.below(part.size() + 1);
    REQUIRE(crc32c_extend(crc32c(part.substr(0, cut)), part.substr(cut)) == crc32c(part));
  }
}

}  // namespace
}  // namespace pinion
