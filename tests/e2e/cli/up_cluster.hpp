// The cluster that all tests of the command line share: `pinion up` in one process, started with
// the first test that needs it. Topics are the tests' own: every test names others.
#pragma once

#include "tests/support/test_process.hpp"

#include <memory>
#include <string>
#include <vector>

namespace pinion::test {

class UpCluster {
 public:
  /// Starts `pinion up` and waits for its ready line; throws with its errors when none comes.
  explicit UpCluster(int nodes = 3);

  [[nodiscard]] static UpCluster& shared();

  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] std::string data() const { return folder_ / "data"; }
  [[nodiscard]] TestProcess& process() { return *process_; }
  [[nodiscard]] const TemporaryFolder& folder() const noexcept { return folder_; }

  /// `pinion ARGUMENTS...` to its end, with PINION_BROKER set; `input` is its stdin.
  [[nodiscard]] Finished pinion(std::vector<std::string> arguments, const std::string& input = {});
  /// The same, started and left running.
  [[nodiscard]] ProcessOptions command(std::vector<std::string> arguments) const;

  /// On the data that is there; waits for the ready line.
  void start();
  /// Ends it with SIGTERM and starts it again.
  void restart();

  /// A name that no other test has.
  [[nodiscard]] std::string new_topic(int partitions = 1);

 private:
  TemporaryFolder folder_;
  int nodes_;
  int port_;
  std::string address_;
  std::unique_ptr<TestProcess> process_;
  int topics_ = 0;
  int inputs_ = 0;
};

/// The text's lines, without their newlines.
[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);

}  // namespace pinion::test
