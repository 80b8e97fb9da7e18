// Quantities that cannot be mixed up. Most of the promise is kept by the compiler.
#include "common/base/ids.hpp"

#include <catch2/catch.hpp>

#include <type_traits>

namespace pinion {
namespace {

static_assert(!std::is_convertible_v<std::int64_t, Offset>);
static_assert(!std::is_convertible_v<Offset, std::int64_t>);
static_assert(!std::is_constructible_v<Offset, Epoch>);
static_assert(!std::is_assignable_v<Offset&, Epoch>);
static_assert(std::is_same_v<decltype(Offset() - Offset()), std::int64_t>);
static_assert(std::is_same_v<decltype(Offset() + 1), Offset>);
static_assert(sizeof(Offset) == sizeof(std::int64_t));

TEST_CASE("tagged: arithmetic counts, comparison orders", "[base]") {
  Offset offset(5);
  CHECK((offset + 3).raw() == 8);
  CHECK((offset - 3).raw() == 2);
  CHECK(Offset(9) - offset == 4);
  ++offset;
  offset += 4;
  CHECK(offset == Offset(10));
  CHECK(Offset(1) < Offset(2));
  CHECK(PartitionKey{TopicId(1), PartitionIndex(2)} < PartitionKey{TopicId(2), PartitionIndex(0)});
  CHECK(std::hash<Offset>{}(Offset(3)) == std::hash<std::int64_t>{}(3));
}

}  // namespace
}  // namespace pinion
