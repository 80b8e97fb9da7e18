#include "gateway/cluster/waiting_places.hpp"
#include "gateway/http/http_budgets.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::gateway;

TEST_CASE("budgets: what one holds grows, and all of it comes back at its end", "[gateway]") {
  ByteBudget budget(100);
  HeldBytes one(budget);
  {
    HeldBytes other(budget);
    CHECK(one.grow_to(40));
    CHECK(one.grow_to(60));
    CHECK(other.grow_to(40));
    CHECK(one.grow_to(60));  // It has that already.
    CHECK_FALSE(one.grow_to(61));
    CHECK_FALSE(other.grow_to(41));
    CHECK(budget.used() == 100);
  }
  CHECK(budget.used() == 60);
  one.release();
  CHECK(budget.used() == 0);
  CHECK(one.grow_to(100));
}

TEST_CASE("budgets: what must not be lost is counted past the bound, and takes room from others",
          "[gateway]") {
  ByteBudget budget(100);
  HeldBytes taken(budget);
  HeldBytes other(budget);
  taken.grow_anyway_to(150);
  CHECK(budget.used() == 150);
  CHECK_FALSE(other.grow_to(1));
  taken.release();
  CHECK(other.grow_to(100));
}

TEST_CASE("budgets: a slow body is ended only while there is little room for others", "[gateway]") {
  constexpr std::uint64_t crowded = bodies_bytes_max / 2 + 1;
  static_assert(!is_body_too_slow(0, 2s, crowded - 1));
  static_assert(is_body_too_slow(0, 2s, crowded));
  static_assert(is_body_too_slow(2 * limits::mib - 2'000, 2s, crowded));
  static_assert(!is_body_too_slow(2 * limits::mib, 2s, crowded));
  SUCCEED();
}

TEST_CASE("budgets: a slow reader is ended before anybody is refused for its sake", "[gateway]") {
  constexpr std::uint64_t crowded = answers_refused_bytes / 2 + 1;
  static_assert(!is_reader_too_slow(0, 2s, crowded - 1));
  static_assert(is_reader_too_slow(write_bytes, 2s, crowded));
  static_assert(!is_reader_too_slow(512 * limits::kib, 2s, crowded));
  SUCCEED();
}

TEST_CASE("budgets: places to wait leave half of the credit, and come back", "[gateway]") {
  static_assert(2 * waiting_places_max <= limits::client_requests_inflight_max);
  static_assert(tail_places_max + poll_places_max == waiting_places_max);
  Places places(10);
  HeldPlaces one(places);
  {
    HeldPlaces most(places);
    CHECK(most.try_take(9));
    CHECK_FALSE(one.try_take(2));
    CHECK(one.try_take(1));
    CHECK_FALSE(one.try_take(1));
  }
  CHECK(one.try_take(9));
}
