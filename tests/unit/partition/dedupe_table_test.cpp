#include "partition/core/dedupe_table.hpp"

#include <catch2/catch.hpp>

namespace pinion::partition::test {

namespace {

using Verdict = DedupeTable::Verdict;

BatchHeader batch(std::int64_t producer, std::int64_t sequence, std::int64_t offset = 0,
                  std::int32_t epoch = 0, Micros time = Micros{1000}) {
  BatchHeader header;
  header.producer_id = ProducerId{producer};
  header.producer_epoch = ProducerEpoch{epoch};
  header.base_sequence = Sequence{sequence};
  header.base_offset = Offset{offset};
  header.append_time = time;
  header.record_count = 1;
  return header;
}

constexpr Micros soon{2000};

}  // namespace

TEST_CASE("dedupe: five batches of a producer are remembered", "[partition]") {
  DedupeTable table;
  for (int i = 0; i < 8; ++i) {
    REQUIRE(table.check(batch(1, i, i), soon).verdict == Verdict::fresh);
    table.add(batch(1, i, i), Ticket{static_cast<std::uint64_t>(i) + 1});
    table.check_invariants();
  }
  // All of them while they are on their way: a failed commit may take any of them back.
  CHECK(table.check(batch(1, 0), soon).verdict == Verdict::duplicate);
  table.on_durable(Ticket{8});
  table.check_invariants();
  CHECK(table.check(batch(1, 2), soon).verdict == Verdict::forgotten);
  const auto oldest = table.check(batch(1, 3), soon);
  CHECK(oldest.verdict == Verdict::duplicate);
  CHECK(oldest.base_offset == Offset{3});
  CHECK(oldest.ticket == Ticket{0});
}

TEST_CASE("dedupe: what is taken back was never there, and pushed nothing out", "[partition]") {
  DedupeTable table;
  for (int i = 0; i < 5; ++i) table.add(batch(1, i, i), Ticket{static_cast<std::uint64_t>(i) + 1});
  table.on_durable(Ticket{5});
  for (int i = 5; i < 9; ++i) table.add(batch(1, i, i), Ticket{static_cast<std::uint64_t>(i) + 1});
  table.add(batch(2, 0, 9), Ticket{10});
  table.on_durable(Ticket{6});
  table.drop_from(Ticket{7});
  table.check_invariants();
  CHECK(table.size() == 1);
  CHECK(table.check(batch(1, 6), soon).verdict == Verdict::fresh);
  CHECK(table.check(batch(1, 1), soon).verdict == Verdict::duplicate);
  CHECK(table.check(batch(2, 0), soon).verdict == Verdict::fresh);
}

TEST_CASE("dedupe: a producer epoch that is taken back leaves the old one", "[partition]") {
  DedupeTable table;
  table.add(batch(1, 0, 0), Ticket{1});
  table.on_durable(Ticket{1});
  table.add(batch(1, 0, 1, 1), Ticket{2});
  CHECK(table.check(batch(1, 1, 2, 0), soon).verdict == Verdict::fenced);
  table.drop_from(Ticket{2});
  table.check_invariants();
  CHECK(table.check(batch(1, 1, 2, 0), soon).verdict == Verdict::fresh);
}

TEST_CASE("dedupe: an old epoch's batches are forgotten once the new one is durable",
          "[partition]") {
  DedupeTable table;
  table.add(batch(1, 0, 0), Ticket{1});
  table.add(batch(1, 0, 1, 1), Ticket{2});
  table.on_durable(Ticket{2});
  table.check_invariants();
  const auto repeat = table.check(batch(1, 0, 0, 1), soon);
  CHECK(repeat.verdict == Verdict::duplicate);
  CHECK(repeat.base_offset == Offset{1});
}

TEST_CASE("dedupe: the same sequence with another number of records is no duplicate",
          "[partition]") {
  DedupeTable table;
  table.add(batch(1, 0, 0), Ticket{1});
  BatchHeader other = batch(1, 0);
  other.record_count = 2;
  CHECK(table.check(other, soon).verdict == Verdict::gap);
}

TEST_CASE("dedupe: old producers are forgotten, those with batches on their way are not",
          "[partition]") {
  DedupeTable table;
  table.add(batch(1, 0, 0, 0, Micros{100}), Ticket{1});
  table.on_durable(Ticket{1});
  table.add(batch(2, 0, 1, 0, Micros{110}), Ticket{2});
  CHECK(table.oldest() == Micros{100});
  CHECK(table.expire(Micros{500}) == 1);
  table.check_invariants();
  CHECK(table.check(batch(1, 1), soon).verdict == Verdict::gap);
  CHECK(table.check(batch(2, 1), soon).verdict == Verdict::fresh);
}

TEST_CASE("dedupe: a full table forgets the longest silent, but nobody who may still retry",
          "[partition]") {
  DedupeTable table(2);
  table.add(batch(1, 0, 0, 0, Micros{100}), Ticket{1});
  table.add(batch(2, 0, 1, 0, Micros{200}), Ticket{2});
  table.on_durable(Ticket{2});
  CHECK(table.check(batch(3, 0), Micros{300}).verdict == Verdict::full);
  const Micros later = limits::producer_kept_at_least + Micros{150};
  CHECK(table.check(batch(3, 0), later).verdict == Verdict::fresh);
  CHECK(table.add(batch(3, 0, 2, 0, later), Ticket{3}) == 1);
  table.check_invariants();
  CHECK(table.check(batch(1, 0), later).verdict == Verdict::full);  // Forgotten.
  CHECK(table.check(batch(2, 1), later).verdict == Verdict::fresh);
}

TEST_CASE("dedupe: a registered producer numbers its records itself and may leave some out",
          "[partition]") {
  const std::int64_t ann = producer_of(RegistrationId{7}).raw();
  DedupeTable table;
  REQUIRE(table.check(batch(ann, 40), soon).verdict == Verdict::fresh);  // It begins anywhere,
  table.add(batch(ann, 40, 0), Ticket{1});
  REQUIRE(table.check(batch(ann, 43), soon).verdict == Verdict::fresh);  // goes on anywhere above,
  table.add(batch(ann, 43, 1), Ticket{2});
  table.on_durable(Ticket{2});
  const auto repeat = table.check(batch(ann, 40), soon);
  CHECK(repeat.verdict == Verdict::duplicate);
  CHECK(repeat.base_offset == Offset{0});
  CHECK(table.check(batch(ann, 42), soon).verdict == Verdict::gap);  // and never goes back.
  CHECK(table.check(batch(ann, 12), soon).verdict == Verdict::forgotten);
  // A session still may not.
  CHECK(table.check(batch(7, 1), soon).verdict == Verdict::gap);
}

}  // namespace pinion::partition::test
