#include <catch2/catch.hpp>

#include "gui/model/changes.hpp"
#include "gui/model/cluster.hpp"

#include <algorithm>
#include <cmath>
#include <string>

using namespace pinion;
using namespace pinion::gui;

namespace {

ClusterStatusReply reply_at(Micros broker_now) {
  ClusterStatusReply reply;
  reply.broker.now = broker_now;
  reply.broker.started_at = 1s;
  for (int i = 1; i <= 2; ++i) {
    NodeStatus node;
    node.id = NodeId(i);
    node.health = NodeHealth::alive;
    node.incarnation = Incarnation(5);
    node.last_heartbeat = broker_now - 300ms;
    node.load.commits = 100;
    node.load.commit_p99_us = static_cast<std::uint32_t>(i * 1'000);
    reply.nodes.push_back(node);
  }
  TopicMetadata topic;
  topic.id = TopicId(7);
  topic.name = "orders";
  for (int i = 0; i < 2; ++i) {
    PartitionMetadata partition;
    partition.partition = PartitionIndex(i);
    partition.leader = NodeId(i + 1);
    partition.leader_epoch = Epoch(3);
    partition.state = PartitionState::online;
    partition.replicas = {NodeId(1), NodeId(2)};
    partition.isr = partition.replicas;
    topic.partitions.push_back(partition);
    PartitionStatus status;
    status.topic = topic.id;
    status.partition = PartitionIndex(i);
    status.high_watermark = Offset(100);
    status.log_end = Offset(100);
    status.records_in_per_s = 10;
    status.readers.push_back({"consumer:me", Offset(60), Micros(0)});
    reply.partitions.push_back(status);
  }
  reply.topics.push_back(topic);
  return reply;
}

Now at(Micros time) { return {time, 1'700'000'000s + time}; }

bool has_event(const ClusterModel& model, EventKind kind, const std::string& text) {
  const auto events = model.events();
  return std::any_of(events->begin(), events->end(), [&](const ClusterEvent& event) {
    return event.kind == kind && event.text == text;
  });
}

}  // namespace

TEST_CASE("cluster: an answer becomes rows with their sums", "[gui]") {
  ClusterModel model;
  CHECK(model.view() == nullptr);
  model.on_status(at(10s), reply_at(100s));
  const ClusterView& view = *model.view();
  REQUIRE(view.topics.size() == 1);
  CHECK(view.topics[0].records == 200);
  CHECK(view.topics[0].partitions_online == 2);
  CHECK(view.topics[0].readers == 1);
  CHECK(view.topics[0].lag_max == 40);
  CHECK(view.records_in_per_s == 20);
  CHECK(view.nodes[0].replicas == 2);
  CHECK(view.nodes[0].heard_ago == 300ms);
  CHECK_FALSE(view.nodes[0].commits_per_s);
  CHECK(view.history->size() == 1);
  CHECK(view.find_topic("orders") != nullptr);
  CHECK(view.find_topic("nothing") == nullptr);
}

TEST_CASE("cluster: what a lost leader last said is not shown as what is", "[gui]") {
  ClusterModel model;
  auto reply = reply_at(100s);
  reply.topics[0].partitions[1].state = PartitionState::offline;
  reply.partitions.erase(reply.partitions.begin());
  model.on_status(at(10s), std::move(reply));
  const ClusterView& view = *model.view();
  CHECK_FALSE(view.partitions[0].has_status);
  CHECK_FALSE(view.topics[0].records);  // Unknown, not 0.
  CHECK(view.partitions_offline == 1);
  CHECK(view.partitions[1].records_in_per_s == 0);
  REQUIRE(view.readers.size() == 1);
  CHECK_FALSE(view.readers[0].lag);
}

TEST_CASE("cluster: lag in time is the age of the record that is read next", "[gui]") {
  ClusterModel model;
  model.on_status(at(10s), reply_at(100s));
  CHECK(model.view()->readers[0].lag_time == Micros(0));
  CHECK(model.view()->readers[0].lag_time_is_more);  // Written before the first look.
  auto next = reply_at(104s);
  next.partitions[0].high_watermark = Offset(150);
  next.partitions[0].readers[0].position = Offset(120);
  model.on_status(at(14s), std::move(next));
  auto later = reply_at(110s);
  later.partitions[0].high_watermark = Offset(150);
  later.partitions[0].readers[0].position = Offset(120);
  model.on_status(at(20s), std::move(later));
  const ReaderRow& reader = model.view()->readers[0];
  CHECK(reader.lag == 30);
  CHECK(reader.lag_time == 6s);
  CHECK_FALSE(reader.lag_time_is_more);
}

TEST_CASE("cluster: how long commits take is unknown while there are none", "[gui]") {
  ClusterModel model;
  const auto latest = [&](Metric metric) {
    const ClusterHistory& history = *model.view()->history;
    return history.at(history.size() - 1).values.at(static_cast<std::size_t>(metric));
  };
  ClusterStatusReply before = reply_at(10s);
  ClusterStatusReply idle = reply_at(12s);
  ClusterStatusReply busy = reply_at(14s);
  busy.nodes[0].load.commits += 20;
  model.on_status(at(10s), std::move(before));
  CHECK(std::isnan(latest(Metric::commit_p99)));
  model.on_status(at(12s), std::move(idle));
  CHECK(std::isnan(latest(Metric::commit_p99)));
  model.on_status(at(14s), std::move(busy));
  CHECK(latest(Metric::commit_p99) == 1'000);
}

TEST_CASE("cluster: what happens is told, once", "[gui]") {
  ClusterModel model;
  model.on_connection(at(1s), false, "nobody answers");
  CHECK(model.events()->empty());
  model.on_connection(at(2s), true, "tcp://h:1");
  CHECK(has_event(model, EventKind::connected, "connected to tcp://h:1"));
  model.on_status(at(10s), reply_at(100s));

  auto lost = reply_at(104s);
  lost.nodes[1].health = NodeHealth::lost;
  lost.nodes[1].last_heartbeat = 102s;
  lost.topics[0].partitions[1].state = PartitionState::offline;
  lost.topics[0].partitions[0].isr = {NodeId(1)};
  model.on_status(at(14s), std::move(lost));
  CHECK(has_event(model, EventKind::node_lost, "node 2 was lost: no heartbeat for 2.0 s"));
  CHECK(has_event(model, EventKind::partition_state, "orders-1 now offline"));
  CHECK(has_event(model, EventKind::isr_changed, "orders-0 in sync: 1"));
  CHECK(model.view()->under_replicated == 1);

  auto back = reply_at(108s);
  back.nodes[1].incarnation = Incarnation(6);
  back.topics[0].partitions[1].leader = NodeId(1);
  back.topics[0].partitions[1].leader_epoch = Epoch(4);
  model.on_status(at(18s), std::move(back));
  CHECK(has_event(model, EventKind::node_joined, "node 2 is back"));
  CHECK(has_event(model, EventKind::leader_moved, "orders-1 led by node 1 since epoch 4"));
  const std::size_t events = model.events()->size();
  auto same = reply_at(112s);
  same.nodes[1].incarnation = Incarnation(6);
  same.topics[0].partitions[1].leader = NodeId(1);
  same.topics[0].partitions[1].leader_epoch = Epoch(4);
  model.on_status(at(22s), std::move(same));
  CHECK(model.events()->size() == events);
}

TEST_CASE("cluster: a restarted broker and changed topics are told", "[gui]") {
  ClusterModel model;
  model.on_status(at(10s), reply_at(100s));
  auto reply = reply_at(104s);
  reply.broker.started_at = 103s;
  reply.broker.controller_epoch = ControllerEpoch(9);
  TopicMetadata fresh;
  fresh.id = TopicId(8);
  fresh.name = "fresh";
  fresh.partitions.resize(1);
  reply.topics[0] = fresh;
  model.on_status(at(14s), std::move(reply));
  CHECK(has_event(model, EventKind::broker_restarted,
                  "the leader broker was started again (controller epoch 9)"));
  CHECK(has_event(model, EventKind::topic_created, "topic fresh was created with 1 partition"));
  CHECK(has_event(model, EventKind::topic_deleted, "topic orders was deleted"));
}

TEST_CASE("cluster: many partitions that move make one line", "[gui]") {
  const auto big = [](Micros broker_now, PartitionState state) {
    auto reply = reply_at(broker_now);
    reply.partitions.clear();
    reply.topics[0].partitions.resize(500);
    for (std::size_t i = 0; i < 500; ++i) {
      auto& partition = reply.topics[0].partitions[i];
      partition.partition = PartitionIndex(static_cast<std::int32_t>(i));
      partition.state = state;
    }
    return reply;
  };
  ClusterModel model;
  model.on_status(at(10s), big(100s, PartitionState::online));
  model.on_status(at(12s), big(102s, PartitionState::offline));
  CHECK(model.events()->size() == 1);
  CHECK(has_event(model, EventKind::partition_state, "orders: 500 partitions now offline"));
}

TEST_CASE("cluster: followers say how far behind they are, and how long", "[gui]") {
  ClusterModel model;
  auto reply = reply_at(100s);
  reply.topics[0].config.replication = 3;
  auto& partition = reply.topics[0].partitions[0];
  partition.replicas = {NodeId(1), NodeId(2), NodeId(3)};
  partition.isr = {NodeId(1)};
  reply.partitions[0].followers = {{NodeId(2), true, Offset(95), 97s},
                                   {NodeId(3), false, Offset(-1), 0s},
                                   {NodeId(1), true, Offset(100), 0s}};
  model.on_status(at(10s), std::move(reply));
  const PartitionRow& row = model.view()->partitions[0];
  REQUIRE(row.followers.size() == 2);  // The leader is none of its own.
  CHECK(row.followers[0].behind == 5);
  CHECK(row.followers[0].behind_for == Micros(3s));
  CHECK_FALSE(row.followers[1].behind);  // Unknown, not 0.
  CHECK(row.behind_max() == 5);
  CHECK(row.min_insync == 2);
  CHECK_FALSE(row.takes_records());
  CHECK(model.view()->closed == 1);
  CHECK(model.view()->topics[0].closed == 1);
}

TEST_CASE("cluster: a drain, a move and an alteration are told, with their progress", "[gui]") {
  ClusterModel model;
  model.on_status(at(10s), reply_at(100s));
  auto draining = reply_at(102s);
  draining.nodes[1].draining = true;
  draining.topics[0].partitions[0].target = {NodeId(1), NodeId(3)};
  model.on_status(at(12s), std::move(draining));
  CHECK(has_event(model, EventKind::node_draining, "node 2 is being drained"));
  CHECK(has_event(model, EventKind::replicas_moving, "orders-0 moving to 1, 3"));
  CHECK(model.view()->moving == 1);
  CHECK(model.view()->nodes[1].drained_of == 2);

  auto moved = reply_at(104s);
  moved.nodes[1].draining = true;
  moved.topics[0].partitions[0].replicas = {NodeId(1), NodeId(3)};
  model.on_status(at(14s), std::move(moved));
  CHECK(has_event(model, EventKind::replicas_moved, "orders-0 moved to 1, 3"));
  CHECK(model.view()->nodes[1].replicas == 1);
  CHECK(model.view()->nodes[1].drained_of == 2);  // Of what it held at first.

  auto drained = reply_at(106s);
  drained.nodes[1].draining = true;
  for (auto& partition : drained.topics[0].partitions) {
    partition.leader = NodeId(1);
    partition.replicas = {NodeId(1), NodeId(3)};
  }
  drained.topics[0].config.partitions = 2;
  drained.topics[0].config.retention_ms = 3'600'000;
  model.on_status(at(16s), std::move(drained));
  CHECK(has_event(model, EventKind::node_draining,
                  "node 2 is drained: it holds nothing any more and may be stopped"));
  CHECK(has_event(model, EventKind::topic_altered,
                  "topic orders was altered: partitions 1 to 2, kept for ever to 1 h"));
  auto removed = reply_at(108s);
  removed.nodes.pop_back();
  model.on_status(at(18s), std::move(removed));
  CHECK(has_event(model, EventKind::node_removed, "node 2 was removed"));
}

TEST_CASE("cluster: what a drain cannot move is counted once an answer", "[gui]") {
  ClusterModel model;
  auto reply = reply_at(100s);
  reply.nodes[1].draining = true;
  model.on_status(at(10s), std::move(reply));
  const ClusterView& view = *model.view();
  REQUIRE(view.nodes[1].replicas > 0);
  CHECK(view.nodes[1].stuck == stuck_replicas(view, NodeId(2)));
  CHECK(view.nodes[1].stuck == view.nodes[1].replicas);  // There is no third node.
  CHECK(view.nodes[0].stuck == 0);
  CHECK_FALSE(view.nodes[1].is_drained());
}

TEST_CASE("cluster: a node that held nothing is drained as soon as it is asked to be", "[gui]") {
  ClusterModel model;
  const auto empty_node = [](Micros time) {
    auto reply = reply_at(time);
    for (auto& partition : reply.topics[0].partitions) {
      partition.leader = NodeId(1);
      partition.replicas = {NodeId(1)};
    }
    return reply;
  };
  model.on_status(at(10s), empty_node(100s));
  auto draining = empty_node(102s);
  draining.nodes[1].draining = true;
  model.on_status(at(12s), std::move(draining));
  CHECK(has_event(model, EventKind::node_draining,
                  "node 2 is drained: it holds nothing any more and may be stopped"));
}

TEST_CASE("history: it keeps the newest samples in order", "[gui]") {
  History<1> history(3);
  for (int i = 0; i < 5; ++i) history.add({Micros(i), {static_cast<double>(i)}});
  REQUIRE(history.size() == 3);
  CHECK(history.at(0).wall == Micros(2));
  CHECK(history.at(2).wall == Micros(4));
}
