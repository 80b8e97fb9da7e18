#include "tests/support/process_cluster.hpp"

#include "tests/support/network_spaces.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <regex>
#include <utility>

namespace pinion::test {
namespace {

std::string in_quotes(const std::string& text) { return "\"" + text + "\""; }

/// Each question is a process.
constexpr Micros between_questions = 50ms;

/// How often `part` stands in `text`.
std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

const std::string& programs() {
  static const std::string folder = PINION_PROGRAMS;
  return folder;
}

Micros patience(Micros limit) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return limit * 5;
#else
  return limit;
#endif
}

bool long_form() {
  const char* wish = std::getenv("PINION_E2E_LONG");
  return wish != nullptr && *wish != '\0' && *wish != '0';
}

std::uint64_t seed_of_this_run() {
  const char* wish = std::getenv("PINION_E2E_SEED");
  if (wish != nullptr) return std::strtoull(wish, nullptr, 10);
  return static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
}

ProcessCluster::ProcessCluster(int nodes)
    : address_("tcp://127.0.0.1:" + std::to_string(free_port())),
      cluster_address_("tcp://127.0.0.1:" + std::to_string(free_port())),
      nodes_(static_cast<std::size_t>(nodes)),
      node_config_(nodes_.size()),
      node_wrapper_(nodes_.size()) {
  for (int number = 1; number <= nodes; ++number) {
    node_data_.push_back(folder_ / ("node-" + std::to_string(number)));
  }
}

ProcessCluster::ProcessCluster(int nodes, const NetworkSpaces& spaces) : ProcessCluster(nodes) {
  address_ = "tcp://" + spaces.address(0) + ":5550";
  cluster_address_ = "tcp://" + spaces.address(0) + ":5551";
  broker_wrapper_ = spaces.wrapper(0);
  for (int number = 1; number <= nodes; ++number) {
    set_node_wrapper(number, spaces.wrapper(number));
    add_node_config(number, "data_bind = " + in_quotes("tcp://" + spaces.address(number) + ":*"));
  }
}

void ProcessCluster::start_all() { start_some(nodes()); }

void ProcessCluster::start_some(int nodes) {
  start_broker();
  for (int number = 1; number <= nodes; ++number) start_node(number);
}

void ProcessCluster::start_broker(std::vector<std::string> options) {
  broker_.reset();
  const std::string config = folder_ / "broker.toml";
  write_file(config, "data_dir = " + in_quotes(broker_data()) +
                         "\nclient_bind = " + in_quotes(address_) +
                         "\ncluster_bind = " + in_quotes(cluster_address_) + "\n" + broker_config_);
  ProcessOptions process;
  process.arguments = broker_wrapper_;
  process.arguments.push_back(programs() + "/pinion-broker");
  std::move(options.begin(), options.end(), std::back_inserter(process.arguments));
  process.arguments.push_back(config);
  broker_ = std::make_unique<TestProcess>(process);
}

void ProcessCluster::start_node(int number, std::vector<std::string> options) {
  nodes_.at(index(number)).reset();
  const std::string config = folder_ / ("partition-" + std::to_string(number) + ".toml");
  write_file(config, "node_id = " + std::to_string(number) +
                         "\nbroker = " + in_quotes(cluster_address_) + "\ndata_dir = " +
                         in_quotes(node_data(number)) + "\n" + node_config_.at(index(number)));
  ProcessOptions process;
  process.arguments = node_wrapper_.at(index(number));
  process.arguments.push_back(programs() + "/pinion-partition");
  std::move(options.begin(), options.end(), std::back_inserter(process.arguments));
  process.arguments.push_back(config);
  nodes_.at(index(number)) = std::make_unique<TestProcess>(process);
}

void ProcessCluster::end_node(int number) { nodes_.at(index(number)).reset(); }

std::string ProcessCluster::node_data(int number) const { return node_data_.at(index(number)); }

void ProcessCluster::set_node_data(int number, const std::string& path) {
  node_data_.at(index(number)) = path;
}

void ProcessCluster::add_node_config(int number, const std::string& toml) {
  node_config_.at(index(number)) += toml + "\n";
}

void ProcessCluster::set_node_wrapper(int number, std::vector<std::string> wrapper) {
  node_wrapper_.at(index(number)) = std::move(wrapper);
}

bool ProcessCluster::wait_until_online(Micros limit) {
  return eventually(
      patience(limit),
      [this] {
        const Finished status = pinion({"status", "--json"}, patience(10s));
        if (status.status != 0) return false;
        // One that was killed and has just begun again still counts as it was.
        const bool all_registered = std::all_of(nodes_.begin(), nodes_.end(), [](const auto& node) {
          return node == nullptr ||
                 node->errors().find("registered with the leader broker") != std::string::npos;
        });
        if (!all_registered) return false;
        const std::size_t alive = count_of(status.output, "\"health\":\"alive\"");
        const auto started = std::count_if(nodes_.begin(), nodes_.end(),
                                           [](const auto& node) { return node != nullptr; });
        return alive == static_cast<std::size_t>(started) &&
               status.output.find("\"state\":\"offline\"") == std::string::npos &&
               status.output.find("\"state\":\"opening\"") == std::string::npos;
      },
      between_questions);
}

bool ProcessCluster::wait_until_in_sync(int replicas, Micros limit) {
  static const std::regex sets(R"("isr":\[([0-9,]*)\])");
  return wait_until_online(limit) &&
         eventually(
             patience(limit),
             [&] {
               const Finished status = pinion({"status", "--json"}, patience(10s));
               const std::sregex_iterator end;
               std::sregex_iterator at(status.output.begin(), status.output.end(), sets);
               if (status.status != 0 || at == end) return false;
               return std::all_of(at, end, [&](const std::smatch& set) {
                 const std::string members = set[1];
                 return std::count(members.begin(), members.end(), ',') == replicas - 1;
               });
             },
             between_questions);
}

ProcessOptions ProcessCluster::command(std::vector<std::string> arguments) const {
  ProcessOptions options;
  options.arguments = std::move(arguments);
  options.arguments.insert(options.arguments.begin(), programs() + "/pinion");
  options.environment = {"PINION_BROKER=" + address_};
  return options;
}

Finished ProcessCluster::pinion(std::vector<std::string> arguments, Micros limit,
                                const std::string& input_file) const {
  ProcessOptions options = command(std::move(arguments));
  options.input = input_file;
  return run(options, patience(limit));
}

std::vector<std::string> ProcessCluster::partition_files(const std::string& topic) const {
  std::vector<std::string> files;
  for (const std::string& data : node_data_) {
    std::error_code missing;
    // A topic that was deleted may vanish meanwhile: then the walk ends, as with `missing`.
    std::filesystem::recursive_directory_iterator at(data, missing);
    for (; at != std::filesystem::recursive_directory_iterator(); at.increment(missing)) {
      const std::filesystem::path& path = at->path();
      const std::string name = path.filename().string();
      if (path.string().find("/set-aside/") != std::string::npos) continue;
      if (path.extension() == ".db" && name.rfind(topic + "-", 0) == 0) {
        files.push_back(path.string());
      }
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string ProcessCluster::damage_in(const std::string& topic) const {
  std::string damage;
  for (const std::string& path : partition_files(topic)) {
    const Finished verified = pinion({"verify", path}, 120s);
    if (verified.status != 0) damage += verified.output + verified.errors;
  }
  return damage;
}

std::string ProcessCluster::logs() const {
  std::string text;
  if (broker_) text += "-- broker\n" + broker_->errors();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i]) text += "-- node " + std::to_string(i + 1) + "\n" + nodes_[i]->errors();
  }
  constexpr std::size_t tail = 8'000;
  return text.size() <= tail ? text : "..." + text.substr(text.size() - tail);
}

}  // namespace pinion::test
