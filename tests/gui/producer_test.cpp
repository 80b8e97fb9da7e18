// The producer panel: what is sent exactly as it is, and what is a template.
#include <catch2/catch.hpp>

#include "tests/gui/headless.hpp"

#include <memory>
#include <string>

using namespace pinion;
using namespace pinion::gui;
using namespace pinion::test;

namespace {

constexpr const char* exactly = "Sent exactly as it is, {{\u2026}} too";

}  // namespace

TEST_CASE("producer: a record that was read is sent again exactly as it is", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::consume);
  it.frames(3);
  REQUIRE(it.click("consume.records.row.409"));
  REQUIRE(it.click("detail.resend"));
  it.frames(3);
  CHECK(it.text_of("produce.exactly") == exactly);
  REQUIRE(it.click("produce.send"));
  auto sent = it.taken<SendRecords>();
  REQUIRE(sent);
  CHECK(sent->plan.draft.exact);
  // Also once something in it was mended.
  REQUIRE(it.click("produce.value"));
  it.key(ImGuiKey_End);
  it.type(" ");
  REQUIRE(it.click("produce.send"));
  sent = it.taken<SendRecords>();
  REQUIRE(sent);
  CHECK(sent->plan.draft.exact);
  // A person may want a template of it.
  REQUIRE(it.click("produce.fill_in"));
  it.frames(3);
  CHECK(it.find("produce.exactly") == nullptr);
  REQUIRE(it.click("produce.send"));
  sent = it.taken<SendRecords>();
  REQUIRE(sent);
  CHECK_FALSE(sent->plan.draft.exact);
}

TEST_CASE("producer: who inserts what is filled in, wants it filled in", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  set_draft(it.tab().producer, {"orders", {}, {}, "{\"n\": {{n}}}", {}, true});
  it.show(Panel::produce);
  it.frames(3);
  // As it stands it is no JSON.
  REQUIRE(it.click("produce.send"));
  CHECK_FALSE(it.taken<SendRecords>());
  CHECK(it.text_of("produce.problem").find("The value is no JSON") == 0);
  REQUIRE(it.click("produce.insert"));
  REQUIRE(it.click("produce.insert.{{uuid}}"));
  it.frames(3);
  CHECK(it.find("produce.exactly") == nullptr);
  CHECK(it.find("produce.problem") == nullptr);
  CHECK(it.tab().producer.value == "{\"n\": {{n}}}{{uuid}}");
  // And what a person writes can be sent as it stands, too.
  REQUIRE(it.click("produce.insert"));
  REQUIRE(it.click("produce.exact"));
  it.key(ImGuiKey_Escape);
  it.frames(3);
  CHECK(it.text_of("produce.exactly") == exactly);
}

TEST_CASE("producer: a file's lines need a template", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  ProducerState& state = it.tab().producer;
  set_draft(state, {"orders", {}, {}, "<{{line}}>", {}, true});
  state.how = 3;
  state.file = "/tmp/lines";
  it.show(Panel::produce);
  it.frames(3);
  REQUIRE(it.click("produce.send"));
  CHECK_FALSE(it.taken<SendRecords>());
  CHECK(it.text_of("produce.problem").find("The value is sent exactly as it is") == 0);
  it.frames(5);  // The form makes room for that.
  REQUIRE(it.click("produce.fill_in"));
  it.frames(3);
  CHECK(it.find("produce.problem") == nullptr);
  REQUIRE(it.click("produce.send"));
  CHECK(it.taken<SendRecords>());
}

TEST_CASE("producer: a job's record is edited as what it was", "[gui]") {
  auto snapshot = std::make_shared<Snapshot>(*make_scene(Scene::ordinary, scene_time()));
  auto producing = std::make_shared<ProducingView>(*snapshot->producing);
  SendPlan plan;
  plan.draft = {"orders", {}, {}, "{{n}}", {}, true};
  SendJob& job = producing->jobs.front();
  job.plan = std::make_shared<const SendPlan>(plan);
  job.state = JobState::done;
  snapshot->producing = producing;
  Headless it(snapshot);
  it.show(Panel::produce);
  it.frames(3);
  it.tab().producer.chosen_job = job.id;
  it.frames(3);
  REQUIRE(it.click("produce.edit"));
  it.frames(3);
  CHECK(it.text_of("produce.exactly") == exactly);
  REQUIRE(it.click("produce.again"));
  const auto again = it.taken<SendRecords>();
  REQUIRE(again);
  CHECK(again->plan.draft.exact);
}

TEST_CASE("producer: a record is saved with how it is sent, and comes back so", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  set_draft(it.tab().producer, {"orders", {}, {}, "{{n}}", {}, true});
  it.show(Panel::produce);
  it.frames(3);
  REQUIRE(it.click("produce.drafts"));
  REQUIRE(it.click("produce.draft_name"));
  it.type("mine");
  REQUIRE(it.click("produce.save_draft"));
  const Drafts& drafts = it.shell().settings().drafts;
  REQUIRE(drafts.size() == 1);
  CHECK(drafts[0]->name == "mine");
  CHECK(drafts[0]->draft.exact);
}

TEST_CASE("producer: a record that could not be saved whole is refused, in words", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()), 1440, 2000);  // Thirty names are high.
  ProducerState& state = it.tab().producer;
  const Drafts& drafts = it.shell().settings().drafts;
  it.show(Panel::produce);
  const auto save = [&] {
    it.frames(3);
    if (it.find("produce.draft_name") == nullptr) REQUIRE(it.click("produce.drafts"));
    REQUIRE(it.click("produce.draft_name"));
    it.type("mine");
    REQUIRE(it.click("produce.save_draft"));
    it.frames(3);
  };
  set_draft(state, {"orders", {}, {{"h", std::string(70'000, 'z')}}, "v", {}});
  save();
  CHECK(drafts.empty());
  CHECK(it.text_of("produce.problem").find("It cannot be saved: the headers") == 0);
  CHECK(it.find("produce.save_draft") == nullptr);

  set_draft(state, {"orders", {}, {{"", "no name yet"}}, "v", {}});
  state.draft_name.clear();
  save();
  REQUIRE(drafts.size() == 1);
  it.shell().settings().drafts.assign(drafts_max, drafts[0]);
  save();
  CHECK(drafts.size() == drafts_max);
  CHECK(it.text_of("produce.problem").find("forget one first") != std::string::npos);
}

TEST_CASE("producer: what is wrong is forgotten when anything of it is written otherwise",
          "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  ProducerState& state = it.tab().producer;
  it.show(Panel::produce);
  const auto refused = [&] {
    state.topic.clear();
    it.frames(3);
    REQUIRE(it.click("produce.send"));
    it.frames(2);
    REQUIRE(it.find("produce.problem") != nullptr);
  };
  refused();
  it.frames(5);
  CHECK(it.find("produce.problem") != nullptr);  // Nothing was.
  state.topic = "orders";
  it.frames(2);
  CHECK(it.find("produce.problem") == nullptr);
  refused();
  state.headers.push_back({"h", ""});
  it.frames(2);
  CHECK(it.find("produce.problem") == nullptr);
  state.value = std::string(3UL * 1024 * 1024, 'x');
  refused();
  state.value += "y";
  it.frames(2);
  CHECK(it.find("produce.problem") == nullptr);
}
