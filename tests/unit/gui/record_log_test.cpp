#include <catch2/catch.hpp>

#include "gui/model/record_log.hpp"
#include "tests/unit/gui/record_rows.hpp"

#include <memory>

using namespace pinion;
using namespace pinion::gui;
using namespace pinion::test;

TEST_CASE("record log: rows keep their numbers, keys, headers and values", "[gui]") {
  RecordLog log;
  log.append(
      chunk_of({{"v1", "k", R"([["h","x"]])"}, {"", std::nullopt, std::nullopt}, {"v3", ""}}));
  const LogView view = log.view();
  REQUIRE(view.size() == 3);
  CHECK(view.find(0)->key() == "k");
  CHECK(view.find(0)->headers() == R"([["h","x"]])");
  CHECK(view.find(0)->value_bytes() == "v1");
  CHECK_FALSE(view.find(1)->key());
  CHECK(view.find(1)->value_bytes().empty());
  CHECK(view.find(2)->key() == "");
  CHECK(view.find(2)->value_bytes() == "v3");
  CHECK(view.find(3) == nullptr);
  CHECK(*view.find(2)->topic == "orders");
}

TEST_CASE("record log: what does not fit is dropped at the old end and counted", "[gui]") {
  RecordLog log({.rows_max = 5'000, .bytes_max = 1UL << 40U});
  for (int i = 0; i < 10; ++i) log.append(numbered(i * 2'000, 2'000));
  const LogView view = log.view();
  CHECK(view.end() == 20'000);
  CHECK(view.first() == 16'000);
  CHECK(log.dropped() == 16'000);
  CHECK(view.find(15'999) == nullptr);
  CHECK(view.find(16'000)->value_bytes() == "value 16000");
}

TEST_CASE("record log: bytes are bounded too, and an old picture stays whole", "[gui]") {
  RecordLog log({.rows_max = 1'000'000, .bytes_max = 300'000});
  log.append(numbered(0, 2'000));
  const LogView old = log.view();
  for (int i = 1; i < 10; ++i) log.append(numbered(i * 2'000, 2'000));
  CHECK(log.bytes() <= 300'000);
  CHECK(old.find(7)->value_bytes() == "value 7");
}

TEST_CASE("record log: single records are joined into chunks, in order", "[gui]") {
  RecordLog log;
  for (int i = 0; i < 3'000; ++i) log.append(numbered(i, 1));
  const LogView view = log.view();
  CHECK(view.run_at(0).count >= 1'000);
  for (std::uint64_t i = 0; i < 3'000; ++i) {
    CHECK(view.find(i)->value_bytes() == "value " + std::to_string(i));
  }
  log.clear();
  CHECK(log.view().empty());
  log.append(numbered(0, 1));
  CHECK(log.view().find(3'000) != nullptr);  // Numbers are never used again.
}

TEST_CASE("record log: before the first row and in a hole there is none", "[gui]") {
  const auto chunk = std::make_shared<const RecordChunk>(numbered(10, 5));
  const LogView view(5, 30, {10}, {chunk});
  CHECK(view.find(5) == nullptr);
  CHECK(view.find(10) != nullptr);
  CHECK(view.find(20) == nullptr);
  CHECK(view.next_begin(5) == 10);
  CHECK(view.next_begin(20) == 30);
  const LogView nothing(5, 30, {}, {});
  CHECK(nothing.find(7) == nullptr);
  CHECK(nothing.next_begin(7) == 30);
}
