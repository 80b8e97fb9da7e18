// The log: what a line looks like, and that it arrives, from many threads, without waiting.
#include "common/obs/log.hpp"

#include <catch2/catch.hpp>

#include "common/base/ids.hpp"
#include "common/base/limits.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <thread>
#include <vector>

namespace pinion {
namespace {

/// A folder that goes when the test ends.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pinion-log-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

TEST_CASE("log: a line is the event and its fields", "[obs]") {
  CHECK(format_log_line("started", {}) == "started");
  CHECK(format_log_line("node registered", {{"node", NodeId(3)},
                                            {"up", true},
                                            {"count", -7},
                                            {"size", std::size_t{9}},
                                            {"ratio", 0.5},
                                            {"why", Errc::throttled},
                                            {"took_us", Micros(1ms)},
                                            {"name", std::string("orders")}}) ==
        "node registered node=3 up=true count=-7 size=9 ratio=0.5 why=throttled took_us=1000 "
        "name=orders");
}

TEST_CASE("log: whatever a peer sends, a line stays one line that can be read back", "[obs]") {
  CHECK(format_log_line("e", {{"v", "a b"}}) == R"(e v="a b")");
  CHECK(format_log_line("e", {{"v", ""}}) == R"(e v="")");
  CHECK(format_log_line("e", {{"v", "a=b"}}) == R"(e v="a=b")");
  CHECK(format_log_line("e", {{"v", "say \"hi\"\\"}}) == R"(e v="say \"hi\"\\")");
  CHECK(format_log_line("e", {{"v", "x\ny\x1b[0m"}}) == R"(e v="x\x0ay\x1b[0m")");
  CHECK(format_log_line("e", {{"v", "\xff"}}) == R"(e v="\xff")");
  CHECK(format_log_line("e", {{"v", "caf\xc3\xa9"}}) == "e v=\"caf\xc3\xa9\"");
  CHECK(format_log_line("e", {{"v", std::string(5'000, 'x')}}).size() < 600);
}

TEST_CASE("log: lines arrive in the file with time and level, lower ones do not", "[obs]") {
  const Folder folder;
  const std::string path = folder.file("server.log");
  REQUIRE(start_log({LogLevel::info, path, 1, 1}));
  CHECK_FALSE(start_log({}));
  CHECK_FALSE(log_enabled(LogLevel::debug));
  log_debug("unseen");
  log_info("first", {{"n", 1}});
  log_warn("second", {{"text", "a {} %s"}});
  log_error("third");
  stop_log();
  stop_log();
  const auto lines = lines_of(path);
  REQUIRE(lines.size() == 3);
  const std::string time = R"(^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z )";
  CHECK(std::regex_search(lines[0], std::regex(time + "info  first n=1$")));
  CHECK(std::regex_search(lines[1], std::regex(time + R"(warn  second text="a \{\} %s"$)")));
  CHECK(std::regex_search(lines[2], std::regex(time + "error third$")));
}

TEST_CASE("log: four threads' lines are whole, and lost ones are counted", "[obs]") {
  const Folder folder;
  const std::string path = folder.file("busy.log");
  const std::uint64_t lost_before = log_lines_lost();
  REQUIRE(start_log({LogLevel::info, path, 100, 1}));
  constexpr int each = 10'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < each; ++i) log_info("busy", {{"thread", t}, {"line", i}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  stop_log();
  const std::uint64_t lost = log_lines_lost() - lost_before;
  std::uint64_t whole = 0;
  std::uint64_t others = 0;
  const std::regex busy(R"(^\S+Z info  busy thread=[0-3] line=\d+$)");
  const std::regex told(R"(^\S+Z warn  log lines lost lines=\d+$)");
  for (const std::string& line : lines_of(path)) {
    if (std::regex_match(line, busy)) {
      ++whole;
    } else {
      INFO(line);
      CHECK(std::regex_match(line, told));
      ++others;
    }
  }
  CHECK(whole + lost >= std::uint64_t{4} * each);  // A line about losses may be lost, too.
  CHECK(whole <= std::uint64_t{4} * each);
  CHECK((lost == 0) == (others == 0));
}

TEST_CASE("log: a full file is renamed and a bounded number of them kept", "[obs]") {
  const Folder folder;
  REQUIRE(start_log({LogLevel::info, folder.file("rolling.log"), 1, 1}));
  const std::string text(400, 'x');
  for (int i = 0; i < 3'000; ++i) {
    log_info("long", {{"text", text}});
    if (i % 500 == 0) std::this_thread::yield();
  }
  stop_log();
  std::uint64_t bytes = 0;
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.file(""))) {
    bytes += entry.file_size();
    ++files;
  }
  CHECK(files <= 2);
  CHECK(bytes <= 2 * limits::mib);
}

TEST_CASE("log: a file that cannot be opened is an error", "[obs]") {
  const auto started = start_log({LogLevel::info, "/proc/none/server.log", 1, 1});
  REQUIRE_FALSE(started);
  CHECK(started.error().code == Errc::io_failed);
}

TEST_CASE("log: an event at a peer's will is written once an interval, the rest counted", "[obs]") {
  LogLimiter limiter(Micros(1s));
  CHECK(limiter.allow(Micros(10)));
  CHECK(limiter.suppressed() == 0);
  CHECK_FALSE(limiter.allow(Micros(11)));
  CHECK_FALSE(limiter.allow(Micros(999'999)));
  CHECK(limiter.allow(Micros(1'000'010)));
  CHECK(limiter.suppressed() == 2);
}

}  // namespace
}  // namespace pinion
