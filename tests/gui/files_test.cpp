// Exports, and how their files come into being: whole or not at all, and nobody else's.
#include <catch2/catch.hpp>

#include "gui/feed/fresh_file.hpp"
#include "gui/feed/query_feed.hpp"
#include "tests/gui/files.hpp"

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
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_FALSE(desk.write(replacing(export_of(folder / "pipe", 'x'))).ok);
  CHECK(std::filesystem::is_fifo(folder / "pipe"));
  CHECK_FALSE(desk.write(export_of(folder / "no/such/folder", 'x')).ok);
}

TEST_CASE("export: what failed once is not written a second time", "[gui]") {
  TemporaryFolder folder;
  auto file = FreshFile::open(folder / "out", FreshFile::Replaces::no);
  REQUIRE(file);
  {
    const FullDisk disk(400'000);
    CHECK_FALSE(file->write(std::string(1'100'000, 'x')));
  }
  CHECK_FALSE(file->write("y"));
  CHECK_FALSE(file->put(FreshFile::Durable::no));
  CHECK_FALSE(std::filesystem::exists(folder / "out"));
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
  for (const ActionResult& refused :
       {desk.write(export_of(folder / "broken", 'x', 1)),
        desk.write(replacing(export_of(folder / "broken", 'x', 1)))}) {
    CHECK_FALSE(refused.ok);
    CHECK(refused.text.find("is a link that leads nowhere") != std::string::npos);
  }
  CHECK(std::filesystem::is_symlink(folder / "broken"));
  std::filesystem::create_symlink("itself", folder / "itself");
  CHECK_FALSE(desk.write(replacing(export_of(folder / "itself", 'x', 1))).ok);
  CHECK(std::filesystem::is_symlink(folder / "itself"));
  CHECK(files_in(folder) == 4);
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

TEST_CASE("export: while the disk is waited for, its rows are held no longer", "[gui]") {
  TemporaryFolder folder;
  Desk desk;
  ExportRows rows = export_of(folder / "out.jsonl", 'x', 3);
  const std::weak_ptr<const QueryView> held = rows.query;
  desk.begin(std::move(rows));
  REQUIRE_FALSE(held.expired());
  desk.tick();
  REQUIRE(desk.running());
  CHECK(held.expired());
  CHECK(desk.finish().text == "Wrote 3 rows to " + (folder / "out.jsonl") + ".");
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
