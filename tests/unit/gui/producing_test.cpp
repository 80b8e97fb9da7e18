#include <catch2/catch.hpp>

#include "gui/model/producing.hpp"

#include <string>

using namespace pinion;
using namespace pinion::gui;

TEST_CASE("templates: known names are filled in, others stay", "[gui]") {
  TemplateFiller filler(1);
  const TemplateFiller::Values values{.n = 42, .wall = 1'700'000'000s, .line = "a line"};
  CHECK(filler.fill("n={{n}} {{line}} {{ms}}", values) == "n=42 a line 1700000000000");
  CHECK(filler.fill("{{time}}", values) == "2023-11-14T22:13:20.000000Z");
  CHECK(filler.fill("{{nothing}} {{ {n}", values) == "{{nothing}} {{ {n}");
  CHECK(filler.fill("plain", values) == "plain");
  CHECK(filler.fill("{{random 5 5}}", values) == "5");
  CHECK(filler.fill("{{random 5 2}}", values) == "{{random 5 2}}");
  CHECK(filler.fill("{{pick only}}", values) == "only");
  const std::string uuid = filler.fill("{{uuid}}", values);
  CHECK(uuid.size() == 36);
  CHECK(uuid[14] == '4');
  CHECK(uuid != filler.fill("{{uuid}}", values));
  for (int i = 0; i < 100; ++i) {
    const int number = std::stoi(filler.fill("{{random 1 6}}", values));
    CHECK((number >= 1 && number <= 6));
  }
}

TEST_CASE("templates: what no person writes is none", "[gui]") {
  CHECK(may_be_template("{{n}} \u7530"));
  CHECK(may_be_template(std::string(template_bytes_max, 'x')));
  CHECK_FALSE(may_be_template(std::string(template_bytes_max + 1, 'x')));
  CHECK_FALSE(may_be_template("{{n}}\xff"));
  CHECK_FALSE(may_be_template(std::string("{{n}}\0", 6)));
}

TEST_CASE("drafts: what cannot be sent is told before it is", "[gui]") {
  Draft draft;
  CHECK(draft_problem(draft, 100) == "Choose a topic first.");
  draft.topic = "orders";
  CHECK(draft_problem(draft, 100).empty());
  draft.value = std::string(200, 'x');
  CHECK(draft_problem(draft, 100).find("this cluster allows 100 B") != std::string::npos);
  draft.value.clear();
  draft.headers.push_back({"", "x"});
  CHECK(draft_problem(draft, 100) == "A header needs a name.");
}

TEST_CASE("latencies: percentiles are within a bucket's width", "[gui]") {
  LatencyHistogram histogram;
  CHECK_FALSE(histogram.quantile(500));
  for (int i = 1; i <= 1'000; ++i) histogram.add(Micros(i * 100));
  const auto close_to = [](Micros value, double expected) {
    const auto count = static_cast<double>(value.count());
    return count > expected * 0.85 && count < expected * 1.15;
  };
  CHECK(close_to(*histogram.quantile(500), 50'000));
  CHECK(close_to(*histogram.quantile(990), 99'000));
  histogram.add(1h);
  CHECK(histogram.count() == 1'001);
}

TEST_CASE("rates: the first record is due at once", "[gui]") {
  CHECK(due_by(10, Micros(0)) == 1);
  CHECK(due_by(10, 1s) == 11);
  CHECK(due_by(0, Micros(0)) > 1'000'000'000);
}

TEST_CASE("producing: a partition is a whole number, or none", "[gui]") {
  CHECK(partition_from("0") == 0);
  CHECK(partition_from("12") == 12);
  for (const char* none : {"", "-1", "1-2", "1.5", "+1", " 1", "2147483648"}) {
    INFO(none);
    CHECK_FALSE(partition_from(none).has_value());
  }
}
