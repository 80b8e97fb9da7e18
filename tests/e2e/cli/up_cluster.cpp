#include "tests/e2e/cli/up_cluster.hpp"

#include "tests/support/process_cluster.hpp"

#include <csignal>
#include <sstream>
#include <stdexcept>

namespace pinion::test {

UpCluster::UpCluster(int nodes)
    : nodes_(nodes), port_(free_port()), address_("tcp://127.0.0.1:" + std::to_string(port_)) {
  start();
}

UpCluster& UpCluster::shared() {
  static UpCluster cluster;
  return cluster;
}

void UpCluster::start() {
  ProcessOptions options;
  options.arguments = {
      programs() + "/pinion", "up", "--data", data(), "--port", std::to_string(port_), "--nodes",
      std::to_string(nodes_)};
  process_ = std::make_unique<TestProcess>(options);
  if (!process_->wait_for_output("ready " + address_ + "\n", patience(20s))) {
    throw std::runtime_error("pinion up did not get ready: " + process_->errors());
  }
}

void UpCluster::restart() {
  process_->signal(SIGTERM);
  if (process_->wait(patience(10s)) != 0) {
    throw std::runtime_error("pinion up did not end well: " + process_->errors());
  }
  start();
}

Finished UpCluster::pinion(std::vector<std::string> arguments, const std::string& input) {
  ProcessOptions options = command(std::move(arguments));
  if (!input.empty()) {
    options.input = folder_ / ("input-" + std::to_string(++inputs_));
    write_file(options.input, input);
  }
  return run(options, patience(60s));
}

ProcessOptions UpCluster::command(std::vector<std::string> arguments) const {
  ProcessOptions options;
  options.arguments = std::move(arguments);
  options.arguments.insert(options.arguments.begin(), programs() + "/pinion");
  options.environment = {"PINION_BROKER=" + address_};
  return options;
}

std::string UpCluster::new_topic(int partitions) {
  const std::string name = "topic-" + std::to_string(++topics_);
  const Finished made =
      pinion({"topic", "create", name, "--partitions", std::to_string(partitions)});
  if (made.status != 0) throw std::runtime_error("making " + name + ": " + made.errors);
  return name;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace pinion::test
