// What is around the panels: lines above them, and the end of all tabs.
#include <catch2/catch.hpp>

#include "tests/gui/headless.hpp"

#include <memory>
#include <string>

using namespace pinion;
using namespace pinion::gui;
using namespace pinion::test;

TEST_CASE("shell: that nothing is remembered is said, whatever is in front", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.shell().set_trouble("What is to be remembered is not saved: the disk is full.", "");
  it.frames(2);
  CHECK(it.text_of("settings.trouble").find("the disk is full") != std::string::npos);
  it.chord(Headless::With::ctrl, 'T');
  it.frames(2);
  CHECK(it.find("settings.trouble") != nullptr);
  it.shell().set_trouble({}, {});
  it.frames(2);
  CHECK(it.find("settings.trouble") == nullptr);
}

TEST_CASE("shell: that something could not be read is said until a person puts it away", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.shell().set_trouble("", "Not all of it can be read.");
  it.frames(2);
  CHECK(it.text_of("settings.damage") == "Not all of it can be read.");
  REQUIRE(it.click("settings.damage.dismiss"));
  it.frames(2);
  CHECK(it.find("settings.damage") == nullptr);
  it.shell().set_trouble("The disk is full.", "Not all of it can be read.");
  it.frames(2);
  CHECK(it.find("settings.damage") == nullptr);
  CHECK(it.find("settings.trouble") != nullptr);
  CHECK(it.find("settings.trouble.dismiss") == nullptr);  // As long as it lasts.
  it.shell().set_trouble("", "It is elsewhere now.");
  it.frames(2);
  CHECK(it.text_of("settings.damage") == "It is elsewhere now.");
}

namespace {

/// Notes in `story` when it was told to stop, and when it ended.
class EndingSource final : public SnapshotSource {
 public:
  explicit EndingSource(std::string& story) : story_(&story) {}
  ~EndingSource() override { *story_ += " ended"; }
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() override {
    return make_scene(Scene::ordinary, scene_time());
  }
  [[nodiscard]] bool post(Command) override { return true; }
  void stop() override { *story_ += " stopped"; }

 private:
  std::string* story_;
};

}  // namespace

TEST_CASE("shell: all tabs are told to end before the first is waited for", "[gui]") {
  std::string story;
  {
    Shell shell({}, [&](const std::string&) { return std::make_unique<EndingSource>(story); });
    shell.connect("tcp://a:1");
    shell.connect("tcp://b:1");
    shell.stop();
  }
  CHECK(story == " stopped stopped ended ended");
}
