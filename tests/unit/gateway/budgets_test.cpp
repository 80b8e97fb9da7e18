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

TEST_CASE("budgets: a slow body is ended only while there is little room for others", "[gateway]") {
  constexpr std::uint64_t crowded = bodies_bytes_max / 2 + 1;
  static_assert(!is_too_slow(0, 2s, crowded - 1));
  static_assert(is_too_slow(0, 2s, crowded));
  static_assert(is_too_slow(2 * limits::mib - 2'000, 2s, crowded));
  static_assert(!is_too_slow(2 * limits::mib, 2s, crowded));
  SUCCEED();
}

TEST_CASE("budgets: places to wait leave half of the credit, and come back", "[gateway]") {
  static_assert(2 * WaitingPlaces::places_max <= limits::client_requests_inflight_max);
  WaitingPlaces places;
  HeldPlaces one(places);
  {
    HeldPlaces most(places);
    CHECK(most.try_take(WaitingPlaces::places_max - 1));
    CHECK(one.try_take(1));
    CHECK_FALSE(one.try_take(1));
  }
  CHECK(one.try_take(WaitingPlaces::places_max - 1));
}
