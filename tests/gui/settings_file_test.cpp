// The file of settings and the one of saved records: what is in them after all that may happen.
#include <catch2/catch.hpp>

#include "gui/feed/fresh_file.hpp"
#include "gui/feed/settings_file.hpp"
#include "tests/gui/files.hpp"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace pinion;
using namespace pinion::gui;
using namespace pinion::test;

namespace {

std::shared_ptr<const NamedDraft> named(const std::string& name, const std::string& value) {
  return std::make_shared<const NamedDraft>(
      NamedDraft{name, Draft{"orders", "k", {}, value, {}, true}});
}

std::string names_in(const Drafts& drafts) {
  std::string names;
  for (const auto& one : drafts) names += (names.empty() ? "" : " ") + one->name;
  return names;
}

Drafts drafts_in(const std::string& path) {
  return parse_drafts(read_file(path + ".drafts")).drafts;
}

int save_one(const std::string& path, const std::string& name) {
  SettingsFile file(path);
  Settings settings = file.load();
  settings.drafts.push_back(named(name, "1"));
  settings.reader = name;
  file.save(settings);
  file.close();
  return file.trouble().empty() ? 0 : 1;
}

}  // namespace

TEST_CASE("settings: records that were saved have a file of their own, written when they change",
          "[gui]") {
  TemporaryFolder folder;
  const std::string path = folder / "new/folder/dashboard.conf";
  Draft draft{"orders", "k", {}, std::string(3'000'000, 'x'), {}, true};
  Settings settings;
  settings.reader = "me";
  settings.drafts.push_back(std::make_shared<const NamedDraft>(NamedDraft{"large", draft}));
  {
    SettingsFile file(path);
    CHECK(file.load().drafts.empty());
    CHECK(file.differ(settings));
    file.save(settings);
    CHECK_FALSE(file.differ(settings));
  }
  CHECK(read_file(path).size() < 10'000);
  CHECK(read_file(path + ".drafts").size() > 3'000'000);
  const auto written = std::filesystem::last_write_time(path + ".drafts");
  {
    SettingsFile file(path);
    Settings again = file.load();
    REQUIRE(again.drafts.size() == 1);
    CHECK(again.drafts[0]->draft == draft);
    CHECK(again.reader == "me");
    again.reader = "you";
    CHECK(file.differ(again));
    file.save(again);
  }
  CHECK(read_file(path).find("\"you\"") != std::string::npos);
  CHECK(std::filesystem::last_write_time(path + ".drafts") == written);
}

TEST_CASE("settings: records that were saved among them move into their file", "[gui]") {
  TemporaryFolder folder;
  const std::string path = folder / "dashboard.conf";
  write_file(path,
             "reader = \"me\"\ndraft = {\"name\": \"old\", \"topic\": \"a\", \"value\": \"x\"}\n");
  {
    SettingsFile file(path);
    Settings settings = file.load();
    REQUIRE(settings.drafts.size() == 1);
    settings.reader = "you";
    file.save(settings);
  }
  CHECK(read_file(path).find("draft") == std::string::npos);
  const Settings read = SettingsFile(path).load();
  CHECK(read.reader == "you");
  REQUIRE(read.drafts.size() == 1);
  CHECK(read.drafts[0]->name == "old");
}

TEST_CASE("settings: what could not be written is told, and written when there is room", "[gui]") {
  TemporaryFolder folder;
  const std::string path = folder / "dashboard.conf";
  write_file(path, "draft = {\"name\": \"old\", \"topic\": \"a\", \"value\": \"" +
                       std::string(100'000, 'x') + "\"}\n");
  std::atomic<int> woken{0};
  SettingsFile file(path, [&] { ++woken; });
  Settings settings = file.load();
  REQUIRE(settings.drafts.size() == 1);
  CHECK(file.trouble().empty());
  {
    const FullDisk disk(50'000);
    settings.reader = "you";
    file.save(settings);
    for (int i = 0; i < 1'000 && woken == 0; ++i) std::this_thread::sleep_for(5ms);
    CHECK(file.trouble().find("What is to be remembered is not saved: '" + path) == 0);
    CHECK(file.trouble().find("File too large") != std::string::npos);
    // Until the records are in their file, they stay where they were.
    CHECK(read_file(path).find("\"old\"") != std::string::npos);
    settings.reader = "they";
    file.save(settings);
  }
  file.close();
  CHECK(file.trouble().empty());
  CHECK(read_file(path).find("\"old\"") == std::string::npos);
  SettingsFile again(path);
  const Settings read = again.load();
  CHECK(read.reader == "they");
  CHECK(names_in(read.drafts) == "old");
  CHECK(files_in(folder) == 3);  // And the lock.
}

TEST_CASE("settings: what cannot be written to the last is told then", "[gui]") {
  TemporaryFolder folder;
  SettingsFile file(folder / "dashboard.conf");
  Settings settings;
  settings.drafts.push_back(named("large", std::string(100'000, 'x')));
  const FullDisk disk(50'000);
  file.save(settings);
  file.close();
  CHECK(file.trouble().find("File too large.") != std::string::npos);
}

TEST_CASE("settings: records among them join those of the file, which are the newer ones",
          "[gui]") {
  TemporaryFolder folder;
  const std::string path = folder / "dashboard.conf";
  write_file(path + ".drafts", "draft = {\"name\": \"a\", \"topic\": \"new\"}\n");
  write_file(path,
             "draft = {\"name\": \"a\", \"topic\": \"old\"}\n"
             "draft = {\"name\": \"b\", \"topic\": \"old\"}\n");
  {
    SettingsFile file(path);
    Settings settings = file.load();
    CHECK(names_in(settings.drafts) == "a b");
    CHECK(settings.drafts.at(0)->draft.topic == "new");
    settings.drafts.erase(settings.drafts.begin());
    file.save(settings);
  }
  CHECK(read_file(path).find("draft =") == std::string::npos);
  CHECK(names_in(SettingsFile(path).load().drafts) == "b");
}

TEST_CASE("settings: a file of records that is damaged is put aside before another is written",
          "[gui]") {
  TemporaryFolder folder;
  const std::string path = folder / "dashboard.conf";
  const std::string damaged =
      "draft = {\"name\": \"a\", \"topic\": \"t\"}\ndraft = {\"name\": \"b\", \"top";
  write_file(path + ".drafts", damaged);
  {
    SettingsFile file(path);
    Settings settings = file.load();
    CHECK(names_in(settings.drafts) == "a");
    CHECK(file.damage().find("Not all of '" + path + ".drafts' can be read.") == 0);
    settings.drafts.push_back(named("c", "x"));
    file.save(settings);
    file.close();
    CHECK(file.damage().find("it is '" + path + ".drafts.bad' now.") != std::string::npos);
  }
  CHECK(read_file(path + ".drafts.bad") == damaged);
  SettingsFile again(path);
  CHECK(names_in(again.load().drafts) == "a c");
  CHECK(again.damage().empty());
}

TEST_CASE("settings: of a damaged file of settings nothing is lost, and it is told", "[gui]") {
  TemporaryFolder folder;
  const std::string path = folder / "dashboard.conf";
  const std::string damaged =
      "favourites = [\"a\", \"b\"\nfilters = [\"f\"]\ndraft = {\"name\": \"old\", \"topic\": "
      "\"t\", \"v";
  write_file(path, damaged);
  {
    SettingsFile file(path);
    Settings settings = file.load();
    CHECK(settings.filters == std::vector<std::string>{"f"});
    CHECK(file.damage().find("Not all of '" + path + "' can be read.") == 0);
    settings.reader = "me";
    file.save(settings);
    file.close();
    CHECK(file.damage() ==
          "Not all of '" + path + "' could be read: it is '" + path + ".bad' now.");
  }
  CHECK(read_file(path + ".bad") == damaged);
  SettingsFile again(path);
  CHECK(again.load().reader == "me");
  CHECK(again.damage().empty());
}

TEST_CASE("settings: a file that could not be read is not replaced by what is usual", "[gui]") {
  TemporaryFolder folder;
  REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
  const std::string path = folder / "dashboard.conf";
  const int outcome = as_ordinary_person([&] {
    write_file(path, "reader = \"me\"\n");
    ::chmod(path.c_str(), 0);
    SettingsFile file(path);
    Settings settings = file.load();
    if (file.damage().empty() || !settings.reader.empty()) return 1;
    ::chmod(path.c_str(), 0600);  // By now it can be read, and is whole.
    settings.filter = "x";
    file.save(settings);
    file.close();
    return 0;
  });
  if (outcome == not_tried) {
    WARN("Nobody else can be asked here: not tried.");
    return;
  }
  CHECK(outcome == 0);
  CHECK(read_file(path + ".bad") == "reader = \"me\"\n");
  CHECK(parse_settings(read_file(path)).settings.filter == "x");
}

namespace {

/// A damaged file of records, and a disk without room for the next.
int save_beside_damaged(const std::string& path) {
  SettingsFile file(path);
  Settings settings = file.load();
  settings.drafts.push_back(named("c", std::string(100'000, 'x')));
  {
    const FullDisk disk(50'000);
    file.save(settings);
    file.close();
  }
  return file.trouble().find("File too large") != std::string::npos ? 0 : 1;
}

}  // namespace

TEST_CASE("settings: a damaged file of records stays in its place until another is whole",
          "[gui]") {
  TemporaryFolder folder;
  const std::string path = folder / "dashboard.conf";
  const std::string damaged =
      "draft = {\"name\": \"a\", \"topic\": \"t\"}\ndraft = {\"name\": \"b\", \"top";
  write_file(path + ".drafts", damaged);
  CHECK(save_beside_damaged(path) == 0);
  CHECK(read_file(path + ".drafts") == damaged);
  // Where no file has two names, it has its own again.
  const int poor = in_poor_file_system([&] { return save_beside_damaged(path); });
  if (poor == not_tried) WARN("System calls cannot be refused here: not tried.");
  CHECK((poor == 0 || poor == not_tried));
  CHECK(read_file(path + ".drafts") == damaged);
  CHECK(files_in(folder) == 2);  // And the lock.
  SettingsFile again(path);
  CHECK(names_in(again.load().drafts) == "a");
  CHECK_FALSE(again.damage().empty());
}

TEST_CASE("settings: two dashboards with one file keep each other's records", "[gui]") {
  TemporaryFolder folder;
  const std::string path = folder / "dashboard.conf";
  const auto change = [](SettingsFile& file, Settings& settings, const auto& what) {
    what(settings.drafts);
    file.save(settings);
    file.close();
  };
  {
    SettingsFile one(path);
    SettingsFile other(path);
    Settings of_one = one.load();
    Settings of_other = other.load();
    change(one, of_one, [](Drafts& drafts) { drafts = {named("a", "1"), named("b", "2")}; });
    change(other, of_other, [](Drafts& drafts) { drafts.push_back(named("c", "3")); });
  }
  SettingsFile one(path);
  SettingsFile other(path);
  Settings of_one = one.load();
  Settings of_other = other.load();
  CHECK(names_in(of_other.drafts) == "a b c");
  change(one, of_one, [](Drafts& drafts) { drafts.erase(drafts.begin()); });
  change(other, of_other, [](Drafts& drafts) { drafts.push_back(named("d", "4")); });
  CHECK(names_in(SettingsFile(path).load().drafts) == "b c d");
}

TEST_CASE("settings: of a record that was saved twice one is left when one is forgotten", "[gui]") {
  TemporaryFolder folder;
  const std::string path = folder / "dashboard.conf";
  SettingsFile file(path);
  Settings settings = file.load();
  const auto saved = [&](std::size_t count) {
    settings.drafts.assign(count, named("b", "1"));
    file.save(settings);
    return eventually(5s, [&] { return drafts_in(path).size() == count; });
  };
  CHECK(saved(1));
  CHECK(saved(2));
  CHECK(saved(1));
  file.close();
  CHECK(names_in(drafts_in(path)) == "b");
}

TEST_CASE(
    "settings: of two dashboards that save at the same time neither takes what is the other's",
    "[gui]") {
  TemporaryFolder folder;
  const std::string path = folder / "dashboard.conf";
  std::atomic<int> troubles{0};
  const auto save_many = [&](const std::string& of) {
    for (int i = 0; i < 50; ++i) troubles += save_one(path, of + std::to_string(i));
  };
  std::thread one([&] { save_many("one"); });
  std::thread other([&] { save_many("other"); });
  one.join();
  other.join();
  CHECK(troubles == 0);
  const Drafts drafts = drafts_in(path);
  std::set<std::string> names;
  for (const auto& draft : drafts) names.insert(draft->name);
  CHECK(drafts.size() == 100);
  CHECK(names.size() == 100);
}

TEST_CASE("settings: while another dashboard writes, its records are waited for", "[gui]") {
  TemporaryFolder folder;
  const std::string path = folder / "dashboard.conf";
  const int lock = ::open((path + ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  REQUIRE(::flock(lock, LOCK_EX) == 0);
  SettingsFile file(path);
  Settings settings;
  settings.drafts.push_back(named("mine", "1"));
  file.save(settings);
  std::this_thread::sleep_for(100ms);
  write_file(path + ".drafts", "draft = {\"name\": \"theirs\", \"topic\": \"t\"}\n");
  ::close(lock);
  file.close();
  CHECK(names_in(SettingsFile(path).load().drafts) == "theirs mine");
}

TEST_CASE("settings: a lock that another user made can be taken, too", "[gui]") {
  TemporaryFolder folder;
  REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
  write_file(folder / "dashboard.conf.lock", "");
  REQUIRE(::chmod((folder / "dashboard.conf.lock").c_str(), 0444) == 0);
  const int outcome =
      as_ordinary_person([&] { return save_one(folder / "dashboard.conf", "mine"); });
  if (outcome == not_tried) {
    WARN("Nobody else can be asked here: not tried.");
    return;
  }
  CHECK(outcome == 0);
  CHECK(names_in(drafts_in(folder / "dashboard.conf")) == "mine");
}

TEST_CASE("settings: they are their owner's alone, unless that gave them to others", "[gui]") {
  TemporaryFolder folder;
  const std::string path = folder / "config/pinion/dashboard.conf";
  CHECK(save_one(path, "a") == 0);
  CHECK(mode_of(folder / "config") == 0700);
  CHECK(mode_of(folder / "config/pinion") == 0700);
  CHECK(mode_of(path) == 0600);
  CHECK(mode_of(path + ".drafts") == 0600);
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  CHECK(save_one(path, "b") == 0);
  CHECK(mode_of(path) == 0644);
}

TEST_CASE("settings: what a killed program left beside them is removed, and nothing else",
          "[gui]") {
  TemporaryFolder folder;
  const std::string path = folder / "dashboard.conf";
  for (const char* left :
       {".dashboard.conf.pinion-a1B2c3", ".dashboard.conf.drafts.pinion-zzzzzz"}) {
    write_file(folder / left, "half of it");
  }
  const std::vector<std::string> others{".other.conf.pinion-a1B2c3",
                                        ".dashboard.conf.pinion-a1B2c34", ".dashboard.conf.pinion-",
                                        "dashboard.conf.pinion-a1B2c3"};
  for (const std::string& other : others) write_file(folder / other, "somebody's");
  CHECK(save_one(path, "mine") == 0);
  CHECK(files_in(folder) == others.size() + 3);
  for (const std::string& other : others) CHECK(read_file(folder / other) == "somebody's");
}

TEST_CASE("settings: what is no file stays what it is", "[gui]") {
  TemporaryFolder folder;
  const std::string path = folder / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  Settings settings;
  settings.drafts.push_back(named("mine", "1"));
  SettingsFile file(path);
  CHECK(file.load().drafts.empty());
  file.save(settings);
  file.close();
  CHECK(std::filesystem::is_fifo(path));
  CHECK(file.trouble().find("'" + path + "' is no file that could be written.") !=
        std::string::npos);
  CHECK(files_in(folder) == 1);
  CHECK_FALSE(write_whole(path, "x", FreshFile::Replaces::yes, FreshFile::Durable::no));
  CHECK(std::filesystem::is_fifo(path));
}

TEST_CASE("settings: by way of a link they are the file's that it leads to, and so is all beside",
          "[gui]") {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder / "real");
  write_file(folder / "real/dashboard.conf", "reader = \"me\"\n");
  write_file(folder / "real/dashboard.conf.drafts",
             "draft = {\"name\": \"a\", \"topic\": \"t\"}\n");
  const std::string link = folder / "link.conf";
  std::filesystem::create_symlink(folder / "real/dashboard.conf", link);
  {
    SettingsFile file(link);
    Settings settings = file.load();
    CHECK(names_in(settings.drafts) == "a");
    settings.drafts.push_back(named("b", "1"));
    settings.reader = "you";
    file.save(settings);
  }
  CHECK(std::filesystem::is_symlink(link));
  CHECK(files_in(folder) == 2);
  CHECK(names_in(drafts_in(folder / "real/dashboard.conf")) == "a b");
  CHECK(SettingsFile(folder / "real/dashboard.conf").load().reader == "you");

  const std::string broken = folder / "broken.conf";
  std::filesystem::create_symlink(folder / "gone/dashboard.conf", broken);
  SettingsFile file(broken);
  Settings settings;
  settings.reader = "me";
  file.save(settings);
  file.close();
  CHECK(std::filesystem::is_symlink(broken));
  CHECK(file.trouble().find("is a link that leads nowhere") != std::string::npos);
  CHECK(files_in(folder) == 3);
}

TEST_CASE("settings: at the end another dashboard is waited for, and else it is told", "[gui]") {
  TemporaryFolder folder;
  const std::string path = folder / "dashboard.conf";
  const int lock = ::open((path + ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  REQUIRE(::flock(lock, LOCK_EX) == 0);
  Settings settings;
  settings.drafts.push_back(named("mine", "1"));
  {
    SettingsFile file(path, {}, {.lock = Micros{0}, .lock_at_end = Micros{0}});
    file.save(settings);
    file.close();
    CHECK(file.trouble().find("another dashboard holds") != std::string::npos);
  }
  SettingsFile file(path, {}, {.lock = Micros{0}, .lock_at_end = 600s});
  file.save(settings);
  CHECK(eventually(10s, [&] { return !file.trouble().empty(); }));
  std::atomic<bool> closed{false};
  std::thread closing([&] {
    file.close();
    closed = true;
  });
  CHECK_FALSE(eventually(300ms, [&] { return closed.load(); }));
  ::close(lock);
  closing.join();
  CHECK(file.trouble().empty());
  CHECK(names_in(drafts_in(path)) == "mine");
}

TEST_CASE("settings: what cannot be written is tried more and more seldom", "[gui]") {
  CHECK(retry_after(1) == 30s);
  CHECK(retry_after(2) == 60s);
  CHECK(retry_after(5) == 480s);
  CHECK(retry_after(6) == 600s);
  CHECK(retry_after(1'000'000) == 600s);
}

TEST_CASE("settings: without a path nothing is remembered", "[gui]") {
  SettingsFile file("");
  Settings settings;
  settings.reader = "me";
  CHECK_FALSE(file.differ(settings));
  file.save(settings);
  CHECK(file.load().reader.empty());
}
