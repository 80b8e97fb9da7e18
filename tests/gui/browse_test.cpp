// The browse panel: what is in sight and what is read in full stays.
#include <catch2/catch.hpp>

#include "tests/gui/headless.hpp"

#include <memory>
#include <string>

using namespace pinion;
using namespace pinion::gui;
using namespace pinion::test;

namespace {

std::shared_ptr<Snapshot> with_browse(std::shared_ptr<const BrowseView> browse) {
  auto snapshot = std::make_shared<Snapshot>(*make_scene(Scene::ordinary, scene_time()));
  snapshot->browse = std::move(browse);
  return snapshot;
}

std::shared_ptr<BrowseView> ordinary_browse() {
  return std::make_shared<BrowseView>(*make_scene(Scene::ordinary, scene_time())->browse);
}

}  // namespace

TEST_CASE("browse: who asks for more says what is in sight", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::browse);
  it.frames(3);
  const DescribedItem* table = it.find("browse.records");
  REQUIRE(table != nullptr);
  it.move(table->min.x + 50, table->min.y + 100);
  it.frame();
  it.tab().browse.grid.top = 0;
  it.wheel(1);
  const auto older = it.taken<BrowseMore>();
  REQUIRE(older);
  const auto view = ordinary_browse();
  CHECK(older->seen == view->first);
  CHECK(older->seen_end > view->first + 10);
  CHECK(older->seen_end < view->first + 100);
  it.tab().browse.grid.top = 1e9;
  it.frame();
  it.wheel(-1);
  const auto newer = it.taken<BrowseMore>();
  REQUIRE(newer);
  CHECK(newer->seen_end == view->next);
  CHECK(newer->seen > view->next - 100);
}

TEST_CASE("browse: a record that is read in full stays when its row has left the table", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::browse);
  it.frames(3);
  REQUIRE(it.click("browse.records.row." + std::to_string(ordinary_browse()->records.size() - 1)));
  const std::string title = it.text_of("detail.title");
  REQUIRE(title.find("orders 0 ") == 0);
  auto fewer = ordinary_browse();
  fewer->next = fewer->first + 1;
  fewer->records =
      LogView(static_cast<std::uint64_t>(fewer->first), static_cast<std::uint64_t>(fewer->next),
              {static_cast<std::uint64_t>(fewer->first)}, {std::make_shared<const RecordChunk>()});
  it.show(with_browse(fewer));
  it.frames(3);
  CHECK(it.text_of("detail.title") == title);
  // Another place is another thing.
  auto other = ordinary_browse();
  ++other->number;
  it.show(with_browse(other));
  it.frames(3);
  CHECK(it.find("detail.title") == nullptr);
}

TEST_CASE("browse: while the newest are looked for, nothing is said to be shown", "[gui]") {
  auto looking = ordinary_browse();
  looking->first = looking->next = looking->high_watermark;
  looking->records = {};
  looking->loading = true;
  Headless it(with_browse(looking));
  it.show(Panel::browse);
  it.frames(3);
  CHECK(it.text_of("browse.range") == "orders-0 holds 12,000 to 16,100, reading\u2026");
  it.show(make_scene(Scene::ordinary, scene_time()));
  it.frames(3);
  CHECK(it.text_of("browse.range").find("; shown ") != std::string::npos);
}
