#include <catch2/catch.hpp>

#include "gui/model/settings.hpp"

#include <memory>
#include <string>

using namespace pinion;
using namespace pinion::gui;

namespace {

std::shared_ptr<const NamedDraft> named(std::string name, Draft draft) {
  return std::make_shared<const NamedDraft>(NamedDraft{std::move(name), std::move(draft)});
}

}  // namespace

TEST_CASE("settings: what was written is read back", "[gui]") {
  Settings settings;
  settings.recent = {"tcp://a:1", "tcp://b:2"};
  settings.dark = false;
  settings.scale = 1.25F;
  settings.window_width = 1024;
  settings.reader = "me \"and\" you";
  settings.topics = {"orders"};
  settings.period = 10s;
  settings.columns = ".user.name, .price";
  settings.sql = {"select *\nfrom readable"};
  settings.favourites = {"orders", "\u6ce8\u6587"};
  settings.produce_share = 0.25F;
  settings.cluster_tab = 3;
  settings.browse_topic = "orders";
  settings.sql_topic = "clicks";
  settings.filter = "key:\"a b\"";
  settings.tables["topics"] = {2, true, {{"Topic", 90}, {"a \"b\" #2", 120.5F}}};
  const Settings read = parse_settings(write_settings(settings)).settings;
  CHECK(read.recent == settings.recent);
  CHECK_FALSE(read.dark);
  CHECK(read.scale == 1.25F);
  CHECK(read.window_width == 1024);
  CHECK(read.reader == settings.reader);
  CHECK(read.topics == settings.topics);
  CHECK(read.period == Micros(10s));
  CHECK(read.columns == settings.columns);
  CHECK(read.sql == settings.sql);
  CHECK(read.favourites == settings.favourites);
  CHECK(read.produce_share == 0.25F);
  CHECK(read.cluster_tab == 3);
  CHECK(read.browse_topic == "orders");
  CHECK(read.sql_topic == "clicks");
  CHECK(read.filter == settings.filter);
  REQUIRE(read.tables.count("topics") == 1);
  CHECK(read.tables.at("topics") == TableLayout{2, true, {{"Topic", 90}, {"a \"b\" #2", 121}}});
}

TEST_CASE("settings: records that were saved come back as they were, bytes and partition too",
          "[gui]") {
  const Drafts drafts{named("first", {"orders", "k", {{"h", "v"}}, "{\"a\": 1}\n", {}}),
                      named("second", {"orders", std::nullopt, {}, "x {{n}}", {}, true}),
                      named("bytes", {"orders",
                                      "\xff\x01",
                                      {{"a \"b\"", "\xfe"}, {"twice", "1"}, {"twice", "2"}},
                                      "\x80\n",
                                      3})};
  const Settings read = parse_settings(write_drafts(drafts)).settings;
  REQUIRE(read.drafts.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(read.drafts[i]->name == drafts[i]->name);
    CHECK(read.drafts[i]->draft == drafts[i]->draft);
  }
}

TEST_CASE("settings: what is compared every two seconds stays small", "[gui]") {
  Settings settings;
  settings.drafts.push_back(named("large", {"orders", {}, {}, std::string(5'000'000, 'x'), {}}));
  remember(settings.sql, "select 1", sql_history_max);
  remember(settings.sql, "select '" + std::string(5'000'000, 'x') + "'", sql_history_max);
  CHECK(settings.sql.size() == 1);  // The other is long.
  CHECK(write_settings(settings).size() < 10'000);
}

TEST_CASE("settings: a record that an earlier version saved is read", "[gui]") {
  const std::string line =
      R"(draft = {"name": "old", "topic": "orders", "headers": {"h\u00e9": "v"}, "value": "x"})";
  const Settings read = parse_settings(line).settings;
  REQUIRE(read.drafts.size() == 1);
  CHECK(read.drafts[0]->draft ==
        Draft{"orders", std::nullopt, {{"h\u00e9", "v"}}, "x", std::nullopt});
}

TEST_CASE("settings: of records it is known whether all were read", "[gui]") {
  const std::string one = write_drafts({named("a", {"orders"})});
  CHECK(parse_drafts(one).whole);
  CHECK(parse_drafts("").whole);
  for (const char* damaged : {"draft = {\"name\": \"b\", \"to", "draft = 7\n", "nonsense\n",
                              "draft = {\"topic\": \"b\"}\n", "reader = \"me\"\n"}) {
    INFO(damaged);
    const ReadDrafts read = parse_drafts(one + damaged);
    CHECK_FALSE(read.whole);
    CHECK(read.drafts.size() == 1);
  }
}

TEST_CASE("settings: what was added and removed is applied to what others wrote meanwhile",
          "[gui]") {
  const auto a = named("a", {"t", {}, {{"", "no name"}, {"h", "v"}}, "1"});
  const auto b = named("b", {"t"});
  const auto c = named("c", {"t"});
  const auto d = named("d", {"t"});
  const auto same = [](const Drafts& one, const Drafts& other) {
    return write_drafts(one) == write_drafts(other);
  };
  CHECK(same(merge_drafts({}, {a, b}, {}), {a, b}));
  CHECK(same(merge_drafts({a, b}, {b, d}, {a, c, b}), {c, b, d}));
  CHECK(same(merge_drafts({a, b}, {a, b}, {c}), {c}));       // Removed by the other.
  CHECK(same(merge_drafts({}, {a, b}, {a, c}), {a, c, b}));  // Moved by both.
  // Two of one name and text.
  CHECK(same(merge_drafts({b}, {b, b}, {b}), {b, b}));
  CHECK(same(merge_drafts({b, b}, {b}, {b, b}), {b}));
  CHECK(same(merge_drafts({b}, {b, b}, {b, b}), {b, b}));  // The other is another dashboard's.
  // As they come back from the file.
  CHECK(same(merge_drafts({a}, {}, parse_drafts(write_drafts({a, c})).drafts), {c}));
}

TEST_CASE("settings: a damaged file costs no more than what is damaged", "[gui]") {
  const auto [read, whole] = parse_settings(
      "# a comment\n\nnonsense\nscale = 900\nwindow_width = \"wide\"\nperiod_s = 0\n"
      "recent = [\"tcp://a:1\", 7]\nunknown = 1\ndark = false\nsql = [\"unfinished\n");
  CHECK(read.scale == 1.0F);
  CHECK(read.window_width == 1440);
  CHECK(read.period == Micros(30s));
  CHECK(read.recent == std::vector<std::string>{"tcp://a:1"});
  CHECK_FALSE(read.dark);
  CHECK(read.sql.empty());
  CHECK_FALSE(whole);
  CHECK(parse_settings("").settings.dark);
}

TEST_CASE("settings: it is known whether every line of a file was one", "[gui]") {
  const std::string text = write_settings({});
  for (const char* good : {"", "\n", "# a comment\n", "unknown = 1\n", "scale = 900\n",
                           "draft = {\"name\": \"b\", \"topic\": \"t\"}\n"}) {
    INFO(good);
    CHECK(parse_settings(text + good).whole);
  }
  for (const char* damaged :
       {"favourites = [\"a\", \"b\"\n", "nonsense\n", "reader =\n", "reader\n", "sql = [\"sel",
        "draft = {\"name\": \"b\", \"to", "draft = {}\n"}) {
    INFO(damaged);
    CHECK_FALSE(parse_settings(text + damaged).whole);
    CHECK_FALSE(parse_settings(damaged + text).whole);
  }
}

TEST_CASE("settings: the last used stands first, once", "[gui]") {
  std::vector<std::string> list{"a", "b", "c"};
  remember(list, "b", 3);
  CHECK(list == std::vector<std::string>{"b", "a", "c"});
  remember(list, "d", 3);
  CHECK(list == std::vector<std::string>{"d", "b", "a"});
}
