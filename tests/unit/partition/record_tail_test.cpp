#include "partition/core/record_tail.hpp"

#include "tests/unit/partition/node_bench.hpp"

#include <catch2/catch.hpp>

namespace pinion::partition::test {

namespace {

std::vector<std::int64_t> collected(const RecordTail& tail, std::int64_t from, std::int64_t end,
                                    std::size_t bytes_max = limits::mib) {
  std::vector<BatchHeader> headers;
  Frames payloads;
  tail.collect(Offset{from}, Offset{end}, bytes_max, headers, payloads);
  CHECK(headers.size() == payloads.size());
  std::vector<std::int64_t> offsets;
  for (const BatchHeader& header : headers) offsets.push_back(header.base_offset.raw());
  return offsets;
}

}  // namespace

TEST_CASE("tail: batches are found by any of their offsets", "[partition]") {
  TailBudget budget;
  RecordTail tail(orders, budget);
  tail.push(stored(batch_of({"a", "b", "c"}), 10));
  tail.push(stored(batch_of({"d"}), 13));
  tail.push(stored(batch_of({"e", "f"}), 14));
  CHECK_FALSE(tail.holds(Offset{9}));
  for (const std::int64_t offset : {10, 11, 12}) {
    CHECK(tail.find(Offset{offset})->header.base_offset == Offset{10});
  }
  CHECK(tail.find(Offset{13})->header.base_offset == Offset{13});
  CHECK(tail.find(Offset{15})->header.base_offset == Offset{14});
  CHECK(tail.find(Offset{16}) == nullptr);
  CHECK(collected(tail, 12, 16) == std::vector<std::int64_t>{10, 13, 14});
  CHECK(collected(tail, 13, 14) == std::vector<std::int64_t>{13});
  CHECK(collected(tail, 12, 15) == std::vector<std::int64_t>{10, 13});
}

TEST_CASE("tail: the budget is what is held, however it leaves", "[partition]") {
  TailBudget budget;
  {
    RecordTail tail(orders, budget);
    for (int i = 0; i < 10; ++i) tail.push(stored(batch_of({"a"}), i));
    CHECK(budget.order.size() == 10);
    CHECK(budget.bytes == tail.bytes());
    tail.drop_before(Offset{2});
    tail.drop_from(Offset{8});
    tail.drop_oldest();
    CHECK(budget.order.size() == 5);
    CHECK(tail.begin(Offset{8}) == Offset{3});
    CHECK(collected(tail, 3, 8).size() == 5);
    tail.push(stored(batch_of({"b"}), 8));  // It goes on where it was cut.
  }
  CHECK(budget.bytes == 0);
  CHECK(budget.order.empty());
}

}  // namespace pinion::partition::test
