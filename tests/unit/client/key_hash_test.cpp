#include <catch2/catch.hpp>

#include "client/core/key_hash.hpp"

#include <cstdint>
#include <string>

using pinion::client::murmur2;

TEST_CASE("key hash: these values never change", "[client]") {
  // The vectors of Kafka's own test of this hash (as signed numbers there).
  CHECK(static_cast<std::int32_t>(murmur2("21")) == -973932308);
  CHECK(static_cast<std::int32_t>(murmur2("foobar")) == -790332482);
  CHECK(static_cast<std::int32_t>(murmur2("a-little-bit-long-string")) == -985981536);
  CHECK(static_cast<std::int32_t>(murmur2("a-little-bit-longer-string")) == -1486304829);
  CHECK(static_cast<std::int32_t>(murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")) ==
        -58897971);
  CHECK(static_cast<std::int32_t>(murmur2("abc")) == 479470107);
}

TEST_CASE("key hash: bytes above 127 count as unsigned", "[client]") {
  CHECK(murmur2(std::string("\xff\xfe\xfd", 3)) != murmur2(std::string("\x7f\x7e\x7d", 3)));
  CHECK(murmur2("") == 0x106e08d9);
}
