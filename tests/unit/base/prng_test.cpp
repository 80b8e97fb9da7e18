// The generator's numbers are fixed for ever: seeds of failures must replay.
#include "common/base/prng.hpp"

#include <catch2/catch.hpp>

#include <set>

namespace pinion {
namespace {

TEST_CASE("prng: a seed's numbers never change", "[base]") {
  Prng prng(42);
  CHECK(prng.next() == 1546998764402558742ULL);
  CHECK(prng.next() == 6990951692964543102ULL);
  CHECK(prng.next() == 12544586762248559009ULL);
}

TEST_CASE("prng: ranges are closed and met", "[base]") {
  Prng prng(7);
  std::set<std::int64_t> seen;
  for (int i = 0; i < 1'000; ++i) seen.insert(prng.between(-2, 2));
  CHECK(seen == std::set<std::int64_t>{-2, -1, 0, 1, 2});
  for (int i = 0; i < 1'000; ++i) REQUIRE(prng.below(3) < 3);
  CHECK(prng.between(5, 5) == 5);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) hits += prng.chance(1, 4) ? 1 : 0;
  CHECK(hits > 2'300);
  CHECK(hits < 2'700);
  CHECK_FALSE(prng.chance(0, 1));
  CHECK(prng.chance(1, 1));
}

}  // namespace
}  // namespace pinion
