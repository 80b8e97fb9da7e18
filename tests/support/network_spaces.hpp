// Network namespaces on one bridge, for tests that cut networks: each member has an address of its
// own, and what one hears of another can be cut, one way or both, silently, as a broken switch does
// it. The test itself stands beside the bridge and is never cut off.
//
// Needs root, ip(8) and iptables(8). All of it is gone with the object; what a killed test left
// behind goes when the next one begins.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace pinion::test {

class NetworkSpaces {
 public:
  explicit NetworkSpaces(int members);
  ~NetworkSpaces();
  NetworkSpaces(const NetworkSpaces&) = delete;
  NetworkSpaces& operator=(const NetworkSpaces&) = delete;

  [[nodiscard]] int members() const noexcept { return members_; }
  /// Members count from 0. "10.213.7.1"
  [[nodiscard]] std::string address(int member) const;
  /// What stands in front of a command that runs as the member.
  [[nodiscard]] std::vector<std::string> wrapper(int member) const;

  struct Cut {
    int from = 0;
    int to = 0;  ///< Hears nothing of `from` any more.
  };
  void cut(const std::vector<Cut>& cuts);
  /// Nobody of one side hears anybody of the other.
  void cut_between(const std::vector<int>& one, const std::vector<int>& other);
  void heal();

 private:
  [[nodiscard]] std::string name(int member) const;

  int members_;
  std::string prefix_;  ///< "pn-PID-", of all names.
  std::string bridge_;
  std::string network_;  ///< "10.213.7."
};

}  // namespace pinion::test
