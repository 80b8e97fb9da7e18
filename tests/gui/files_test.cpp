// Files that the dashboard writes: whole or not at all, and nobody else's.
#include <catch2/catch.hpp>

#include "gui/feed/query_feed.hpp"
#include "gui/feed/settings_file.hpp"
#include "tests/support/test_process.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace pinion;
using namespace pinion::gui;
using namespace pinion::test;

namespace {

/// `rows` lines of a thousand letters and some.
ExportRows export_of(const std::string& path, char letter, std::size_t rows = 10'000) {
  auto query = std::make_shared<QueryView>();
  query->columns = {"text"};
  query->rows.assign(rows, {SqlValue{std::string(1'000, letter)}});
  ExportRows out;
  out.query = query;
  out.path = path;
  return out;
}

ExportRows replacing(ExportRows rows) {
  rows.replaces = true;
  return rows;
}

/// Without a cluster: an export needs none.
class Desk {
 public:
  [[nodiscard]] bool running() const { return feed_.result().running; }
  void begin(ExportRows rows) { feed_.begin(std::move(rows)); }
  void tick() { feed_.on_tick(); }
  ActionResult finish() {
    std::vector<std::function<void()>> work;
    for (int i = 0; i < 1'000 && feed_.result().running; ++i) {
      feed_.on_tick();
      if (!feed_.result().running) break;
      work.clear();
      context_.inbox->wait_and_take(work, 16, feed_.next_deadline() < never ? Micros{0} : 5s);
      for (const auto& one : work) one();
    }
    return feed_.result();
  }
  ActionResult write(ExportRows rows) {
    begin(std::move(rows));
    return finish();
  }

 private:
  static FeedContext with_inbox() {
    FeedContext context;
    context.inbox = std::make_shared<Inbox>(16, 16);
    return context;
  }
  FeedContext context_ = with_inbox();
  ExportFeed feed_{context_};
};

std::size_t files_in(const TemporaryFolder& folder) {
  const std::filesystem::directory_iterator files(folder.path());
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

mode_t mode_of(const std::string& path) {
  struct stat there {};
  REQUIRE(::stat(path.c_str(), &there) == 0);
  return there.st_mode & 0777;
}

std::shared_ptr<const NamedDraft> named(const std::string& name, const std::string& value) {
  return std::make_shared<const NamedDraft>(
      NamedDraft{name, Draft{"orders", "k", {}, value, {}, true}});
}

std::string names_in(const Drafts& drafts) {
  std::string names;
  for (const auto& one : drafts) names += (names.empty() ? "" : " ") + one->name;
  return names;
}

constexpr int not_tried = 77;

/// What `work` returns in a process for which there is no renameat2, no link and no fchmod.
int in_poor_file_system(const std::function<int()>& work) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto refuse = [](unsigned call, unsigned code, std::vector<sock_filter>& filter) {
      filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
      filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | code));
    };
    std::vector<sock_filter> filter{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    refuse(SYS_renameat2, EINVAL, filter);
    refuse(SYS_linkat, EPERM, filter);
#ifdef SYS_link
    refuse(SYS_link, EPERM, filter);
#endif
    refuse(SYS_fchmod, EPERM, filter);
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    const bool refused = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
    ::_exit(refused ? work() : not_tried);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// As a disk that is full after so many bytes of a file.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    before_ = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit_) == 0);
    const rlimit small{bytes, limit_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, before_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit limit_{};
  void (*before_)(int) = SIG_DFL;
};

}  // namespace

TEST_CASE("export: a file that cannot be replaced whole stays as it was", "[gui]") {
  TemporaryFolder folder;
  Desk desk;
  const std::string path = folder / "out.jsonl";
  write_file(path, "what was there\n");
  {
    const FullDisk disk(3'000'000);
    const ActionResult failed = desk.write(replacing(export_of(path, 'x')));
    CHECK_FALSE(failed.ok);
    CHECK_FALSE(failed.wants_attention);
    CHECK(failed.text == "'" + path + "' cannot be written: File too large.");
  }
  CHECK(read_file(path) == "what was there\n");
  CHECK(files_in(folder) == 1);
  // Now there is room.
  CHECK(desk.write(replacing(export_of(path, 'x'))).ok);
  CHECK(read_file(path).size() > 10'000'000);
  CHECK(files_in(folder) == 1);
  // What is no file would never end, or not be there any more.
  CHECK_FALSE(desk.write(replacing(export_of("/dev/full", 'x'))).ok);
  CHECK(std::filesystem::is_character_file("/dev/full"));
  CHECK_FALSE(desk.write(export_of(folder / "no/such/folder", 'x')).ok);
}

TEST_CASE("export: a link is followed to its file, and stays one", "[gui]") {
  TemporaryFolder folder;
  Desk desk;
  write_file(folder / "file", "what was there\n");
  std::filesystem::create_symlink(folder / "file", folder / "link");
  CHECK(desk.write(export_of(folder / "link", 'x', 1)).wants_attention);
  CHECK(desk.write(replacing(export_of(folder / "link", 'x', 1))).ok);
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_file(folder / "file").size() > 1'000);
  // One that leads nowhere is somebody's, too.
  std::filesystem::create_symlink(folder / "gone", folder / "broken");
  CHECK(desk.write(export_of(folder / "broken", 'x', 1)).wants_attention);
  CHECK(std::filesystem::is_symlink(folder / "broken"));
}

TEST_CASE("export: files of other names are nobody's business", "[gui]") {
  TemporaryFolder folder;
  Desk desk;
  const std::string path = folder / "out.jsonl";
  write_file(path + ".new", "somebody's\n");
  CHECK(desk.write(export_of(path, 'x', 1)).ok);
  CHECK(read_file(path + ".new") == "somebody's\n");
  std::filesystem::remove(path + ".new");
  write_file(folder / "precious", "somebody's\n");
  std::filesystem::create_symlink(folder / "precious", path + ".new");
  CHECK(desk.write(replacing(export_of(path, 'y', 1))).ok);
  CHECK(read_file(folder / "precious") == "somebody's\n");
}

TEST_CASE("export: a file that comes meanwhile is left as it is", "[gui]") {
  TemporaryFolder folder;
  Desk desk;
  const std::string path = folder / "out.jsonl";
  desk.begin(export_of(path, 'x'));
  desk.tick();
  write_file(path, "somebody's\n");
  const ActionResult refused = desk.finish();
  CHECK_FALSE(refused.ok);
  CHECK(refused.wants_attention);  // Whether it may be replaced.
  CHECK(refused.text.find("There is a file " + path + " by now") == 0);
  CHECK(read_file(path) == "somebody's\n");
  CHECK(files_in(folder) == 1);
  CHECK(desk.write(replacing(export_of(path, 'x'))).ok);
}

TEST_CASE("export: two to one file are each whole, and the second says that it is there", "[gui]") {
  TemporaryFolder folder;
  Desk one;
  Desk other;
  const std::string path = folder / "out.jsonl";
  one.begin(export_of(path, 'x'));
  other.begin(export_of(path, 'y'));
  one.tick();
  other.tick();
  CHECK(one.finish().ok);
  CHECK(other.finish().wants_attention);
  const std::string text = read_file(path);
  CHECK(text.find('y') == std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == 10'000);
  CHECK(files_in(folder) == 1);
}

TEST_CASE("export: one that is given up leaves nothing", "[gui]") {
  TemporaryFolder folder;
  {
    Desk desk;
    desk.begin(export_of(folder / "out.jsonl", 'x'));
    desk.tick();
    REQUIRE(files_in(folder) == 1);
    // Should the program be killed, its name says whose it is.
    const std::filesystem::directory_iterator file(folder.path());
    CHECK(file->path().filename().string().find(".out.jsonl.pinion-") == 0);
  }
  CHECK(files_in(folder) == 0);
  Desk desk;
  CHECK(desk.write(export_of(folder / std::string(250, 'n'), 'x', 1)).ok);
}

TEST_CASE("export: the thread of the feed does not wait for the disk, and its end does", "[gui]") {
  TemporaryFolder folder;
  {
    Desk desk;
    desk.begin(export_of(folder / "out.jsonl", 'x', 1));
    desk.tick();
    CHECK(desk.running());  // It is another thread's now.
  }
  CHECK(read_file(folder / "out.jsonl").size() > 1'000);
  CHECK(files_in(folder) == 1);
}

TEST_CASE("export: file systems that know few ways to name a file take one, too", "[gui]") {
  TemporaryFolder folder;
  const std::string path = folder / "out";
  const auto put = [&](FreshFile::Replaces replaces) {
    return in_poor_file_system([&] {
      const auto done = write_whole(path, "new\n", replaces, FreshFile::Durable::yes);
      return !done ? 2 : *done ? 0 : 1;
    });
  };
  const int first = put(FreshFile::Replaces::no);
  if (first == not_tried) {
    WARN("System calls cannot be refused here: not tried.");
    return;
  }
  CHECK(first == 0);
  CHECK(read_file(path) == "new\n");
  write_file(path, "somebody's\n");
  CHECK(put(FreshFile::Replaces::no) == 1);
  CHECK(read_file(path) == "somebody's\n");
  CHECK(put(FreshFile::Replaces::yes) == 0);
  CHECK(read_file(path) == "new\n");
  CHECK(files_in(folder) == 1);
}

TEST_CASE("export: a file has the permissions of any other, or of the one before it", "[gui]") {
  TemporaryFolder folder;
  Desk desk;
  const mode_t before = ::umask(027);
  CHECK(desk.write(export_of(folder / "new", 'x', 1)).ok);
  ::umask(before);
  CHECK(mode_of(folder / "new") == 0640);
  REQUIRE(::chmod((folder / "new").c_str(), 0604) == 0);
  CHECK(desk.write(replacing(export_of(folder / "new", 'y', 1))).ok);
  CHECK(mode_of(folder / "new") == 0604);
}

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
    file.keep({});
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
    file.keep(again);
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
    file.keep(settings);
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
  file.keep(settings);
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
    settings.reader = "they";
    file.save(settings);
    std::this_thread::sleep_for(50ms);
    CHECK(read_file(path).find("\"old\"") != std::string::npos);
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
    file.keep(settings);
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
    file.keep(settings);
    CHECK(names_in(settings.drafts) == "a");
    CHECK(file.trouble().find("Not all of '" + path + ".drafts' can be read.") == 0);
    settings.drafts.push_back(named("c", "x"));
    file.save(settings);
    file.close();
    CHECK(file.trouble().find("it is '" + path + ".drafts.bad' now.") != std::string::npos);
  }
  CHECK(read_file(path + ".drafts.bad") == damaged);
  SettingsFile again(path);
  CHECK(names_in(again.load().drafts) == "a c");
  CHECK(again.trouble().empty());
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
  one.keep(of_one);
  other.keep(of_other);
  change(one, of_one, [](Drafts& drafts) { drafts.erase(drafts.begin()); });
  change(other, of_other, [](Drafts& drafts) { drafts.push_back(named("d", "4")); });
  CHECK(names_in(SettingsFile(path).load().drafts) == "b c d");
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

TEST_CASE("settings: without a path nothing is remembered", "[gui]") {
  SettingsFile file("");
  Settings settings;
  settings.reader = "me";
  file.keep({});
  CHECK_FALSE(file.differ(settings));
  file.save(settings);
  CHECK(file.load().reader.empty());
}
