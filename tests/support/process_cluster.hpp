// A cluster of real processes, each with a config file and a data folder, as in production: for
// tests that kill them. Everything lives in one temporary folder and ends with the object.
#pragma once

#include "tests/support/test_process.hpp"

#include <memory>
#include <string>
#include <vector>

namespace pinion::test {

class NetworkSpaces;

/// The folder that holds the programs under test.
[[nodiscard]] const std::string& programs();

/// Sanitized programs are slow; limits that people would feel are stretched for them.
[[nodiscard]] Micros patience(Micros limit);

/// The long form of the process tests (./test --all).
[[nodiscard]] bool long_form();

/// PINION_E2E_SEED, or another one each time: what chooses the victims.
[[nodiscard]] std::uint64_t seed_of_this_run();

class ProcessCluster {
 public:
  explicit ProcessCluster(int nodes);
  /// The broker as member 0 of the spaces, node N as member N.
  ProcessCluster(int nodes, const NetworkSpaces& spaces);

  void start_all();
  /// Without the nodes behind the first `nodes`: what joins later.
  void start_some(int nodes);
  /// With options before its config file.
  void start_broker(std::vector<std::string> options = {});
  void start_node(int number, std::vector<std::string> options = {});  ///< From 1.
  void end_node(int number);  ///< Killed, and no longer waited for.

  [[nodiscard]] TestProcess& broker() { return *broker_; }
  [[nodiscard]] TestProcess& node(int number) { return *nodes_.at(index(number)); }
  [[nodiscard]] int nodes() const noexcept { return static_cast<int>(nodes_.size()); }

  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] std::string broker_data() const { return folder_ / "broker"; }
  [[nodiscard]] std::string node_data(int number) const;
  /// Set before start_node: another data folder, or further lines of its config.
  void set_node_data(int number, const std::string& path);
  void add_node_config(int number, const std::string& toml);
  /// The same for the broker, before start_broker.
  void add_broker_config(const std::string& toml) { broker_config_ += toml + "\n"; }
  /// Put in front of the node's command, for example unshare --mount.
  void set_node_wrapper(int number, std::vector<std::string> wrapper);

  /// All nodes that were started alive and all partitions online, as `pinion status` shows them.
  [[nodiscard]] bool wait_until_online(Micros limit = 30s);
  /// The same, and every partition has so many replicas, all in sync.
  [[nodiscard]] bool wait_until_in_sync(int replicas, Micros limit = 60s);

  /// `pinion ARGUMENTS...` against this cluster.
  [[nodiscard]] Finished pinion(std::vector<std::string> arguments, Micros limit = 60s,
                                const std::string& input_file = {}) const;
  [[nodiscard]] ProcessOptions command(std::vector<std::string> arguments) const;

  /// The partition files of a topic over all nodes, "ORDERS-0.db" and so on, but for those that
  /// were set aside.
  [[nodiscard]] std::vector<std::string> partition_files(const std::string& topic) const;

  /// What `pinion verify` says of those that are not whole; empty: all are.
  [[nodiscard]] std::string damage_in(const std::string& topic) const;

  /// What every process wrote on stderr, for the message of a failed check.
  [[nodiscard]] std::string logs() const;

  [[nodiscard]] const TemporaryFolder& folder() const noexcept { return folder_; }

 private:
  [[nodiscard]] std::size_t index(int number) const { return static_cast<std::size_t>(number - 1); }

  TemporaryFolder folder_;
  std::string address_;
  std::string cluster_address_;
  std::unique_ptr<TestProcess> broker_;
  std::vector<std::unique_ptr<TestProcess>> nodes_;
  std::vector<std::string> node_data_;
  std::vector<std::string> node_config_;
  std::string broker_config_;
  std::vector<std::string> broker_wrapper_;
  std::vector<std::vector<std::string>> node_wrapper_;
};

}  // namespace pinion::test
