// A disk that is really full: a small tmpfs, mounted in a name space of the node's own, so that
// nothing is left mounted whatever happens. Needs root, or user name spaces; without either the
// node does not start and the test fails.
#include <catch2/catch.hpp>

#include "tests/e2e/cluster/load.hpp"
#include "tests/support/process_cluster.hpp"

#include <filesystem>
#include <fstream>

#include <unistd.h>

using namespace pinion;
using namespace pinion::test;

namespace {

/// A node whose data folder is a tmpfs of so many MiB.
class SmallDisk {
 public:
  SmallDisk(ProcessCluster& cluster, int size_mib)
      : cluster_(cluster), path_(cluster.node_data(1)) {
    std::filesystem::create_directories(path_);
    std::vector<std::string> wrapper = {"/usr/bin/unshare", "--mount"};
    if (geteuid() != 0) wrapper.insert(wrapper.end(), {"--user", "--map-root-user"});
    const std::string script =
        "mount -t tmpfs -o size=" + std::to_string(size_mib) + "m tmpfs \"$0\" && exec \"$@\"";
    wrapper.insert(wrapper.end(), {"/bin/sh", "-c", script, path_});
    cluster.set_node_wrapper(1, wrapper);
    cluster.add_node_config(1, "low_space_mib = 8");
  }

  /// The folder as the node sees it.
  [[nodiscard]] std::string inside() const {
    return "/proc/" + std::to_string(cluster_.node(1).pid()) + "/root" + path_;
  }
  [[nodiscard]] std::uintmax_t free_bytes() const {
    return std::filesystem::space(inside()).available;
  }
  /// Takes all but `left` bytes.
  void fill(std::uintmax_t left) const {
    std::ofstream filler(inside() + "/filler", std::ios::binary | std::ios::app);
    const std::string block(64 * 1024, 'f');
    while (filler && free_bytes() > left + block.size()) filler << block << std::flush;
    while (filler && free_bytes() > left) filler << 'f' << std::flush;
  }
  void empty() const { std::filesystem::remove(inside() + "/filler"); }

 private:
  ProcessCluster& cluster_;
  std::string path_;
};

bool shows(const ProcessCluster& cluster, const std::string& state) {
  return eventually(patience(20s), [&] {
    return cluster.pinion({"status", "--json"}).output.find("\"state\":\"" + state + "\"") !=
           std::string::npos;
  });
}

}  // namespace

TEST_CASE("cluster: a full disk refuses writes, serves reads, and recovers by itself",
          "[e2e][cluster][disk]") {
  ProcessCluster cluster(1);
  const SmallDisk disk(cluster, 96);
  cluster.start_all();
  const bool online = cluster.wait_until_online();
  INFO(cluster.logs());
  REQUIRE(online);
  REQUIRE(disk.free_bytes() < 96U << 20);
  REQUIRE(cluster.pinion({"topic", "create", "d", "--partitions", "2"}).status == 0);

  LogChecker log;
  LoadOptions options{.broker = cluster.address(), .topic = "d", .partitions = 2, .senders = 2};
  options.records_per_s = 4'000;
  options.value_bytes = 1'000;
  options.delivery_timeout = patience(3s);
  Load load(options, log);
  REQUIRE(load.wait_for_more(1'000, patience(30s)));

  // Another program takes what is left; then not even a commit's pages fit.
  disk.fill(0);
  CHECK(shows(cluster, "storage_full"));
  CHECK(eventually(patience(20s), [&] { return log.counts().fail + log.counts().info > 0; }));
  CHECK(cluster.node(1).running());
  const Finished read = cluster.pinion({"consume", "d", "--max", "100"});
  INFO(read.errors);
  CHECK(read.status == 0);

  disk.empty();
  CHECK(shows(cluster, "online"));
  CHECK(load.wait_for_more(1'000, patience(30s)));
  load.finish();
  INFO(load.problem());
  CHECK(load.problem().empty());
  CHECK(read_everything(options, log, patience(60s)) == "");
  CHECK(joined(log.anomalies()) == "");
}

TEST_CASE("cluster: a log that fills its disk stops at the mark, and more room lets it go on",
          "[e2e][cluster][disk]") {
  ProcessCluster cluster(1);
  const SmallDisk disk(cluster, 64);
  cluster.start_all();
  const bool online = cluster.wait_until_online();
  INFO(cluster.logs());
  REQUIRE(online);
  disk.fill(24U << 20);
  REQUIRE(cluster.pinion({"topic", "create", "d"}).status == 0);

  LogChecker log;
  LoadOptions options{.broker = cluster.address(), .topic = "d", .senders = 1};
  options.records_per_s = 20'000;
  options.value_bytes = 1'000;
  options.delivery_timeout = patience(3s);
  Load load(options, log);
  CHECK(shows(cluster, "storage_full"));
  CHECK(eventually(patience(20s), [&] { return log.counts().fail > 0; }));
  disk.empty();
  CHECK(load.wait_for_more(2'000, patience(30s)));
  load.finish();
  CHECK(read_everything(options, log, patience(60s)) == "");
  CHECK(joined(log.anomalies()) == "");
}
