// A real process of the tests: started with posix_spawn, its output kept in files, ended with the
// object. Waiting is always for an event with a deadline, and says what was there when it passes.
//
// A child dies with the test program even when that is killed (setpriv --pdeathsig), so no run
// leaves processes behind. One thread starts and ends processes.
#pragma once

#include "common/base/time.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace pinion::test {

/// Calls `condition` every few milliseconds, or less often where asking costs more, until it holds
/// or the time is over. The one place of the process tests that sleeps.
[[nodiscard]] bool eventually(Micros limit, const std::function<bool()>& condition,
                              Micros every = 5ms);

/// A folder that is removed, with all in it, at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  /// Inside another folder, for example one on a file system of its own.
  explicit TemporaryFolder(const std::string& parent);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

[[nodiscard]] std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);

struct ProcessOptions {
  std::vector<std::string> arguments;         ///< The first is the program, with its path.
  std::vector<std::string> environment = {};  ///< "NAME=VALUE", beside the test program's own.
  std::string input = {};  ///< A file for stdin; empty: nothing to read, "-": a pipe to write to.
  std::string output_file = {};  ///< stdout; empty: a file of its own.
};

class TestProcess {
 public:
  explicit TestProcess(const ProcessOptions& options);
  ~TestProcess();
  TestProcess(const TestProcess&) = delete;
  TestProcess& operator=(const TestProcess&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] bool running();
  void signal(int number);
  /// SIGSTOP; none of its threads runs any more when this returns. SIGCONT lets it go on.
  void pause();
  /// SIGKILL, and gone when this returns.
  void kill();

  /// The exit status (128 + n for signal n), or nothing when it still runs after `limit`.
  [[nodiscard]] std::optional<int> wait(Micros limit);

  /// To the pipe that is its stdin; false when the process closed it.
  bool write_input(const std::string& text);
  void close_input();

  [[nodiscard]] std::string output() const { return read_file(output_); }
  [[nodiscard]] std::string errors() const { return read_file(errors_); }
  [[nodiscard]] bool wait_for_output(const std::string& text, Micros limit);
  /// The memory it holds, in bytes; 0 when it is gone.
  [[nodiscard]] std::uint64_t resident_bytes() const;

 private:
  bool reap(int options);

  TemporaryFolder folder_;
  std::string output_;
  std::string errors_;
  pid_t pid_ = -1;
  int input_ = -1;
  std::optional<int> status_;
};

/// Runs to the end, or is killed at the limit (status 124, as timeout(1) does).
struct Finished {
  int status = 0;
  std::string output;
  std::string errors;
};
[[nodiscard]] Finished run(const ProcessOptions& options, Micros limit = 30s);

/// A TCP port of 127.0.0.1 that nobody listens on.
[[nodiscard]] int free_port();

}  // namespace pinion::test
