#include <catch2/catch.hpp>

#include "gui/model/changes.hpp"

#include <algorithm>
#include <string>

using namespace pinion;
using namespace pinion::gui;

namespace {

/// Three nodes; one topic of three partitions with two replicas each, 1 MiB a partition.
ClusterView cluster() {
  ClusterView view;
  for (int i = 1; i <= 3; ++i) {
    NodeRow node;
    node.id = NodeId(i);
    node.health = NodeHealth::alive;
    node.partitions_led = 1;
    node.replicas = 2;
    view.nodes.push_back(node);
  }
  TopicRow topic;
  topic.name = "orders";
  topic.config.partitions = 3;
  topic.config.replication = 2;
  topic.partitions = 3;
  topic.file_bytes = 3UL << 20U;
  for (int i = 0; i < 3; ++i) {
    PartitionRow row;
    row.topic = "orders";
    row.partition = i;
    row.state = PartitionState::online;
    row.leader = NodeId(1 + i);
    row.replicas = {NodeId(1 + i), NodeId(1 + (i + 1) % 3)};
    row.isr = row.replicas;
    row.has_status = true;
    row.file_bytes = 1UL << 20U;
    view.partitions.push_back(row);
  }
  view.topics.push_back(topic);
  return view;
}

TopicPlan plan_with(const ClusterView& view, void (*edit)(TopicForm&)) {
  TopicForm form = form_of("orders", view.topics[0].config);
  edit(form);
  return plan_topic(view, view.topics[0], form);
}

bool says(const std::vector<PlannedLine>& lines, const std::string& part, Tone tone) {
  return std::any_of(lines.begin(), lines.end(), [&](const PlannedLine& line) {
    return line.tone == tone && line.text.find(part) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("changes: times and sizes are read as they are written", "[gui]") {
  for (const std::int64_t ms : {1LL, 1'500LL, 60'000LL, 86'400'000LL, 604'800'000LL}) {
    CHECK(*parse_kept_for(kept_for_text(ms)) == ms);
  }
  for (const std::int64_t bytes : {1LL, 1'000LL, 1LL << 20U, 10LL << 30U}) {
    CHECK(*parse_kept_size(kept_size_text(bytes)) == bytes);
  }
  CHECK(kept_for_text(604'800'000) == "7 d");
  CHECK(*parse_kept_for("36h") == 129'600'000);
  CHECK(*parse_kept_for("") == 0);
  CHECK(kept_for_text(0).empty());
  CHECK_FALSE(parse_kept_for("7"));  // Days? Hours?
  CHECK_FALSE(parse_kept_for("-1 d"));
  CHECK_FALSE(parse_kept_for("9999999999999999 d"));
  CHECK_FALSE(parse_kept_size("10 apples"));
}

TEST_CASE("changes: a form that was not touched changes nothing", "[gui]") {
  const ClusterView view = cluster();
  const TopicPlan plan = plan_with(view, [](TopicForm&) {});
  CHECK(plan.lines.empty());
  CHECK(plan.problem.empty());
}

TEST_CASE("changes: partitions become more, and never fewer", "[gui]") {
  const ClusterView view = cluster();
  const TopicPlan more = plan_with(view, [](TopicForm& form) { form.partitions = 6; });
  CHECK(more.change.partitions == 6);
  CHECK(more.change.replication == -1);
  CHECK(more.change.retention_ms == -1);
  CHECK(says(more.lines, "3 become 6", Tone::normal));
  CHECK(says(more.lines, "another partition than before", Tone::warning));
  const TopicPlan fewer = plan_with(view, [](TopicForm& form) { form.partitions = 2; });
  CHECK(fewer.problem == "A topic's partitions can only become more; it has 3.");
  CHECK(fewer.lines.empty());
}

TEST_CASE("changes: replicas that are copied, dropped, or have no node", "[gui]") {
  ClusterView view = cluster();
  const TopicPlan more = plan_with(view, [](TopicForm& form) { form.replication = 3; });
  CHECK(more.change.replication == 3);
  CHECK(says(more.lines, "3 partitions are copied, about 3.0 MiB", Tone::normal));
  CHECK(says(more.lines, "The majority is then 2", Tone::normal));
  const TopicPlan one = plan_with(view, [](TopicForm& form) { form.replication = 1; });
  CHECK(says(one.lines, "what its node loses is lost", Tone::warning));
  view.nodes[2].draining = true;
  const TopicPlan none = plan_with(view, [](TopicForm& form) { form.replication = 3; });
  CHECK(none.problem == "There are too few nodes: only 2 may hold replicas.");
}

TEST_CASE("changes: more in sync than there are is refused; fewer than now is warned of", "[gui]") {
  ClusterView view = cluster();
  CHECK_FALSE(plan_with(view, [](TopicForm& form) { form.min_insync = 3; }).problem.empty());
  view.partitions[1].isr = {NodeId(2)};
  const TopicPlan two = plan_with(view, [](TopicForm& form) { form.min_insync = 2; });
  CHECK(two.change.min_insync_replicas == 2);
  CHECK(says(two.lines, "2 replicas are in sync", Tone::normal));
  CHECK(says(two.lines, "1 partition has fewer in sync now", Tone::warning));
}

TEST_CASE("changes: what retention drops is named before it is", "[gui]") {
  const ClusterView view = cluster();
  const TopicPlan shorter = plan_with(view, [](TopicForm& form) { form.kept_for = "2 d"; });
  CHECK(shorter.change.retention_ms == 172'800'000);
  CHECK(says(shorter.lines, "Records older than 2 d are dropped, for good.", Tone::warning));
  const TopicPlan size = plan_with(view, [](TopicForm& form) { form.kept_size = "512 KiB"; });
  CHECK(size.change.retention_bytes == 524'288);
  CHECK(says(size.lines, "Together they have 3.0 MiB now", Tone::warning));
  const TopicPlan bad = plan_with(view, [](TopicForm& form) { form.kept_for = "soon"; });
  CHECK(bad.problem.find("looks like 7 d") != std::string::npos);
  const TopicPlan unclean = plan_with(view, [](TopicForm& form) { form.unclean = true; });
  CHECK(unclean.change.unclean_elections == 1);
  CHECK(says(unclean.lines, "acknowledged records may be lost", Tone::warning));
}

TEST_CASE("changes: draining says what moves, and what has nowhere to go", "[gui]") {
  ClusterView view = cluster();
  const NodePlan plan = plan_node(view, NodeId(2), NodeCommand::drain);
  CHECK(plan.title == "Drain node 2?");
  CHECK(plan.problem.empty());
  CHECK(says(plan.lines, "It holds 2 replicas, and leads 1 of them. All move", Tone::normal));
  CHECK(says(plan.lines, "2.0 MiB are copied", Tone::normal));
  view.nodes[2].health = NodeHealth::lost;
  const NodePlan stuck = plan_node(view, NodeId(2), NodeCommand::drain);
  CHECK(says(stuck.lines, "1 can move to other nodes: 1.0 MiB are copied", Tone::normal));
  CHECK(says(stuck.lines, "1 partition has a replica on every other node", Tone::warning));
  view.nodes[0].draining = true;
  CHECK(plan_node(view, NodeId(2), NodeCommand::drain).problem ==
        "There is no other node that could take its replicas.");
  CHECK(plan_node(view, NodeId(1), NodeCommand::drain).problem == "It is being drained already.");
  CHECK(plan_node(view, NodeId(9), NodeCommand::drain).problem == "It is not there any more.");
}

TEST_CASE("changes: a drain that moves nothing is over only where nothing is held", "[gui]") {
  ClusterView view = cluster();
  CHECK(drain_outcome(&view, NodeId(2), 2, Freshness::fresh).text ==
        "Node 2 is being drained; 2 partitions are being moved.");
  CHECK(drain_outcome(&view, NodeId(2), 1, Freshness::fresh).text ==
        "Node 2 is being drained; 1 partition is being moved.");
  CHECK_FALSE(drain_outcome(&view, NodeId(2), 1, Freshness::fresh).wants_attention);
  for (PartitionRow& row : view.partitions) row.replicas = {NodeId(1), NodeId(2), NodeId(3)};
  CHECK(stuck_replicas(view, NodeId(2)) == 3);
  const Outcome stuck = drain_outcome(&view, NodeId(2), 0, Freshness::fresh);
  CHECK(stuck.wants_attention);
  CHECK(stuck.text.find("Node 2 is being drained. 3 replicas have nowhere to go") == 0);
  CHECK(drain_outcome(nullptr, NodeId(2), 0, Freshness::stale).text == "Node 2 is being drained.");
  view.nodes[1].replicas = 0;
  for (PartitionRow& row : view.partitions) row.replicas = {NodeId(1), NodeId(3)};
  // That it held nothing before the drain says nothing of now.
  CHECK(drain_outcome(&view, NodeId(2), 0, Freshness::fresh).text == "Node 2 is being drained.");
  view.nodes[1].draining = true;
  CHECK(drain_outcome(&view, NodeId(2), 0, Freshness::fresh).text ==
        "Node 2 is drained: it holds nothing, and may be stopped.");
  CHECK(drain_outcome(&view, NodeId(2), 0, Freshness::stale).text == "Node 2 is being drained.");
}

TEST_CASE("changes: that a node may be stopped is said only of what is fresh", "[gui]") {
  NodeRow node;
  node.id = NodeId(2);
  node.health = NodeHealth::alive;
  node.draining = true;
  node.drained_of = 30;
  node.replicas = 12;
  node.stuck = 3;
  const DrainProgress half = drain_progress(node, Freshness::fresh);
  CHECK(half.text == "18 of 30 replicas have left node 2, 3 have nowhere to go");
  CHECK(half.tone == Tone::warning);
  CHECK(half.share > 0.59F);
  CHECK(half.share < 0.61F);
  CHECK(drain_progress(node, Freshness::stale).text ==
        "18 of 30 replicas had left node 2, 3 had nowhere to go");
  node.replicas = node.stuck = 0;
  const DrainProgress done = drain_progress(node, Freshness::fresh);
  CHECK(done.text == "node 2 is drained: it holds nothing any more and may be stopped");
  CHECK(done.tone == Tone::good);
  const DrainProgress old = drain_progress(node, Freshness::stale);
  CHECK(old.text.find("may be stopped now is not known") != std::string::npos);
  CHECK(old.tone == Tone::muted);
  node.health = NodeHealth::lost;
  CHECK(drain_progress(node, Freshness::fresh).text.find("may be removed") != std::string::npos);
}

TEST_CASE("changes: a node is removed only when it is stopped and holds nothing", "[gui]") {
  ClusterView view = cluster();
  CHECK(plan_node(view, NodeId(2), NodeCommand::remove).problem ==
        "It holds 2 replicas; drain it first.");
  view.nodes[1].draining = true;
  CHECK(plan_node(view, NodeId(2), NodeCommand::remove).problem ==
        "It holds 2 replicas; wait until it is drained.");
  view.nodes[1].replicas = 0;
  CHECK(plan_node(view, NodeId(2), NodeCommand::remove).problem == "It is running; stop it first.");
  view.nodes[1].health = NodeHealth::lost;
  CHECK(plan_node(view, NodeId(2), NodeCommand::remove).problem.empty());
}

TEST_CASE("changes: keeping and rebalancing", "[gui]") {
  ClusterView view = cluster();
  CHECK(plan_node(view, NodeId(1), NodeCommand::keep).problem == "It is not being drained.");
  CHECK(
      says(plan_node(view, node_none, NodeCommand::rebalance).lines, "even already", Tone::normal));
  view.nodes[0].replicas = 12;
  CHECK(says(plan_node(view, node_none, NodeCommand::rebalance).lines, "between 2 and 12 replicas",
             Tone::normal));
  view.nodes.resize(1);
  CHECK_FALSE(plan_node(view, node_none, NodeCommand::rebalance).problem.empty());
  CHECK(usual_replication(view) == 1);
}
