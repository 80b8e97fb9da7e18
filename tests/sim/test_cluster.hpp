// A small simulated cluster for stories: one line an event. No faults but those the story tells;
// virtual time moves only in run() and in what waits. A topic "t" is made at the start.
//
//   TestCluster c({.nodes = 1});
//   c.produce("a").await_ack();
//   c.node(1).hold_syncs();
//   c.produce("b");
//   c.run(200ms);
//   CHECK_FALSE(c.acked("b"));
#pragma once

#include "tests/sim/cluster.hpp"
#include "tests/sim/raw_client.hpp"
#include "tests/sim/session_client.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pinion::sim {

struct StoryOptions {
  std::int32_t nodes = 1;
  std::int32_t partitions = 1;
  std::int32_t replication = 1;
  std::int32_t min_insync_replicas = 0;
  bool unclean_elections = false;
  std::uint64_t seed = 7;
};

/// Sends single records with the client library and keeps what became of each.
class StoryProducer final : public SessionClient {
 public:
  using SessionClient::SessionClient;

  void send(const std::string& value, PartitionKey key, Micros delivery_timeout);
  [[nodiscard]] std::optional<client::BatchDone> report(const std::string& value) const;

 private:
  void begin() override;
  void end_of_life() override;
  void on_batch(const client::BatchDone& done) override;

  std::uint64_t numbers_ = 0;
  std::map<std::uint64_t, std::string> values_;
  std::map<std::string, client::BatchDone> reports_;
};

/// Asks whatever the story asks, by hand.
class StoryClient final : public RawClient {
 public:
  using RawClient::RawClient;

 private:
  void begin() override {}
};

class TestCluster {
 public:
  explicit TestCluster(StoryOptions options = {});

  // ---- Events

  class Sent {
   public:
    Sent(TestCluster& cluster, std::string value) : cluster_(cluster), value_(std::move(value)) {}
    void await_ack(Micros within = 10s);
    void await_report(Micros within = 60s);

   private:
    TestCluster& cluster_;
    const std::string value_;
  };
  Sent produce(const std::string& value, std::int32_t partition = 0, Micros delivery_timeout = 30s);
  void run(Micros time);
  /// False: the time was over first.
  [[nodiscard]] bool run_until(const std::function<bool()>& done, Micros within);

  NodeProcess& node(std::int32_t id) { return *cluster_.nodes()[static_cast<std::size_t>(id - 1)]; }
  BrokerProcess& broker() { return cluster_.broker(); }
  void power_cut(std::int32_t node_id) { node(node_id).crash(Process::Death::power_cut); }
  void kill(std::int32_t node_id) { node(node_id).crash(Process::Death::kill); }
  void start(std::int32_t node_id) { node(node_id).start(); }
  void cut_off(std::int32_t node_id);
  void reconnect(std::int32_t node_id);
  /// Nothing that one of two nodes sends reaches the other.
  void part(std::int32_t a, std::int32_t b);
  void heal_network() { world_.network.heal_all(); }
  StoryProducer& producer() { return *producer_; }

  /// One request and its answer; an error made here when there is none in time.
  [[nodiscard]] Message ask(Body body, std::int32_t partition = 0, Micros timeout = 5s);
  /// The story goes on meanwhile.
  void ask_later(Body body, Micros timeout, RawClient::Done done);
  /// The same as ask(), again and again while the answer is retriable.
  [[nodiscard]] Message ask_until_answered(Body body, std::int32_t partition = 0,
                                           Micros within = 20s);

  // ---- What can be seen

  [[nodiscard]] bool acked(const std::string& value) const;
  [[nodiscard]] std::optional<pinion::Outcome> outcome(const std::string& value) const;
  [[nodiscard]] std::vector<std::string> read_all(std::int32_t partition = 0);
  [[nodiscard]] Epoch leader_epoch(std::int32_t partition = 0);
  [[nodiscard]] PartitionState state(std::int32_t partition = 0);
  /// As the metadata has it durably.
  [[nodiscard]] const PartitionMeta& meta(std::int32_t partition = 0);
  [[nodiscard]] std::int32_t leader() { return meta().leader.raw(); }
  [[nodiscard]] std::vector<std::int32_t> in_sync();
  void await_in_sync(std::size_t count, Micros within = 20s);
  void await_leader(std::int32_t node_id, Micros within = 20s);
  /// A node that does not lead.
  [[nodiscard]] std::int32_t follower(std::size_t which = 0);
  [[nodiscard]] std::optional<partition::ReplicaView> replica(std::int32_t node_id);
  [[nodiscard]] Result<Offset> commit(const std::string& reader, Offset offset);
  [[nodiscard]] Offset position(const std::string& reader);
  [[nodiscard]] Result<std::string> dequeue(const std::string& reader, const std::string& token);
  [[nodiscard]] PartitionKey key(std::int32_t partition = 0) const {
    return {topic_, PartitionIndex(partition)};
  }
  [[nodiscard]] World& world() { return world_; }

 private:
  World world_;
  Cluster cluster_;
  StoryProducer* producer_ = nullptr;
  StoryClient* client_ = nullptr;
  TopicId topic_{0};
};

}  // namespace pinion::sim
