#include "gui/model/changes.hpp"

#include "common/proto/topic_rules.hpp"
#include "gui/model/words.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace pinion::gui {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t size;
};
constexpr std::array time_units{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"min", 60'000},
                                Unit{"s", 1'000}, Unit{"ms", 1}};
constexpr std::array size_units{Unit{"TiB", 1LL << 40U}, Unit{"GiB", 1LL << 30U},
                                Unit{"MiB", 1LL << 20U}, Unit{"KiB", 1LL << 10U}, Unit{"B", 1}};

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

template <std::size_t Count>
std::optional<std::int64_t> parse_amount(std::string_view text,
                                         const std::array<Unit, Count>& units) {
  text = without_blanks(text);
  if (text.empty()) return 0;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  const std::string_view name =
      without_blanks(text.substr(static_cast<std::size_t>(end - text.data())));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (number > INT64_MAX / unit.size) return std::nullopt;
    return number * unit.size;
  }
  return std::nullopt;
}

/// In the largest unit of which it is a whole number, so that reading it gives it back.
template <std::size_t Count>
std::string amount_text(std::int64_t amount, const std::array<Unit, Count>& units) {
  for (const Unit& unit : units) {
    if (amount % unit.size != 0) continue;
    return std::to_string(amount / unit.size) + " " + std::string(unit.name);
  }
  return std::to_string(amount);
}

/// "1 partition has", "3 partitions have": with what the sentence goes on with.
std::string partitions_that(std::uint64_t count, const char* one, const char* many) {
  return counted(count, "partition ", "partitions ") + (count == 1 ? one : many);
}

std::string name_of_node(NodeId node) { return "node " + std::to_string(node.raw()); }

bool holds(const PartitionRow& row, NodeId node) {
  return std::find(row.replicas.begin(), row.replicas.end(), node) != row.replicas.end();
}

/// Where replicas may be put.
std::vector<NodeId> open_nodes(const ClusterView& cluster) {
  std::vector<NodeId> nodes;
  for (const NodeRow& node : cluster.nodes) {
    if (node.health == NodeHealth::alive && !node.draining) nodes.push_back(node.id);
  }
  return nodes;
}

bool has_room(const PartitionRow& row, const std::vector<NodeId>& nodes) {
  return std::any_of(nodes.begin(), nodes.end(), [&](NodeId node) { return !holds(row, node); });
}

std::string kept_or(const std::string& text, const char* otherwise) {
  return text.empty() ? otherwise : text;
}

void plan_partitions(const TopicRow& topic, const TopicConfig& next, TopicPlan& plan) {
  if (next.partitions == topic.config.partitions) return;
  if (next.partitions < topic.config.partitions) {
    plan.problem = "A topic's partitions can only become more; it has " +
                   std::to_string(topic.config.partitions) + ".";
    return;
  }
  plan.change.partitions = next.partitions;
  plan.lines.push_back({"Partitions: " + std::to_string(topic.config.partitions) + " become " +
                        std::to_string(next.partitions) + "."});
  plan.lines.push_back(
      {"From then on a key may lie in another partition than before: the order of its records is "
       "kept only among those before and among those after.",
       Tone::warning});
}

void plan_replication(const ClusterView& cluster, const TopicRow& topic, const TopicConfig& next,
                      TopicPlan& plan) {
  const std::int32_t before = topic.config.replication;
  if (next.replication == before) return;
  plan.change.replication = next.replication;
  const auto partitions = static_cast<std::uint64_t>(std::max(0, topic.partitions));
  const std::string numbers = "Replicas of each partition: " + std::to_string(before) + " become " +
                              std::to_string(next.replication) + ". ";
  if (next.replication < before) {
    plan.lines.push_back({numbers + "The others are deleted on their nodes, in " +
                              counted(partitions, "partition", "partitions") + ".",
                          Tone::warning});
    if (next.replication == 1) {
      plan.lines.push_back(
          {"With one replica, what its node loses is lost, and it is away while its node is.",
           Tone::warning});
    }
    return;
  }
  const std::size_t nodes = open_nodes(cluster).size();
  if (static_cast<std::size_t>(next.replication) > nodes) {
    plan.problem = "There are too few nodes: only " + std::to_string(nodes) + " may hold replicas.";
    return;
  }
  const auto times = static_cast<std::uint64_t>(next.replication - before);
  plan.lines.push_back({numbers + partitions_that(partitions, "is", "are") + " copied, about " +
                        format_bytes(topic.file_bytes * times) +
                        " in all, while everything goes on."});
}

void plan_min_insync(const ClusterView& cluster, const TopicRow& topic, const TopicConfig& next,
                     TopicPlan& plan) {
  if (next.min_insync_replicas > next.replication) {
    plan.problem = std::to_string(next.min_insync_replicas) +
                   " replicas in sync can never be met with " + std::to_string(next.replication) +
                   " of each partition.";
    return;
  }
  const auto replicas = static_cast<std::size_t>(std::max(1, next.replication));
  const std::size_t least = min_insync_of(next, replicas);
  const std::size_t before =
      min_insync_of(topic.config, static_cast<std::size_t>(std::max(1, topic.config.replication)));
  if (next.min_insync_replicas != topic.config.min_insync_replicas) {
    plan.change.min_insync_replicas = next.min_insync_replicas;
    plan.lines.push_back({"Records are taken only while " +
                          counted(least, "replica is", "replicas are") + " in sync."});
  } else if (least != before) {
    plan.lines.push_back({"The majority is then " + std::to_string(least) +
                          ": records are taken only while so many are in sync."});
  }
  if (least <= before) return;
  std::uint64_t closed = 0;
  const std::size_t end = topic.first_row + static_cast<std::size_t>(topic.partitions);
  for (std::size_t i = topic.first_row; i < std::min(end, cluster.partitions.size()); ++i) {
    if (cluster.partitions[i].isr.size() < least) ++closed;
  }
  const bool copies_first = next.replication > topic.config.replication;
  if (closed > 0 && !copies_first) {
    plan.lines.push_back({partitions_that(closed, "has", "have") +
                              " fewer in sync now, and cannot take records until that is mended.",
                          Tone::warning});
  }
}

void plan_kept(const TopicRow& topic, const TopicConfig& next, TopicPlan& plan) {
  const auto shorter = [](std::int64_t before, std::int64_t after) {
    return after > 0 && (before == 0 || after < before);
  };
  if (next.retention_ms != topic.config.retention_ms) {
    plan.change.retention_ms = next.retention_ms;
    if (shorter(topic.config.retention_ms, next.retention_ms)) {
      plan.lines.push_back(
          {"Records older than " + kept_for_text(next.retention_ms) + " are dropped, for good.",
           Tone::warning});
    } else {
      plan.lines.push_back({"Records are kept " +
                            (next.retention_ms == 0 ? std::string("for ever")
                                                    : "for " + kept_for_text(next.retention_ms)) +
                            ", as far as they are there still."});
    }
  }
  if (next.retention_bytes != topic.config.retention_bytes) {
    plan.change.retention_bytes = next.retention_bytes;
    if (shorter(topic.config.retention_bytes, next.retention_bytes)) {
      plan.lines.push_back({"Each partition keeps about its newest " +
                                kept_size_text(next.retention_bytes) +
                                "; what is older is dropped, for good. Together they have " +
                                format_bytes(topic.file_bytes) + " now.",
                            Tone::warning});
    } else {
      plan.lines.push_back({"Each partition keeps " +
                            kept_or(kept_size_text(next.retention_bytes), "all there is") + "."});
    }
  }
}

void plan_drain(const ClusterView& cluster, const NodeRow& node, NodePlan& plan) {
  std::vector<NodeId> others = open_nodes(cluster);
  std::erase(others, node.id);
  if (node.draining) {
    plan.problem = "It is being drained already.";
    return;
  }
  if (others.empty()) {
    plan.problem = "There is no other node that could take its replicas.";
    return;
  }
  std::uint64_t held = 0;
  std::uint64_t stuck = 0;
  std::uint64_t bytes = 0;
  bool sizes_known = true;
  for (const PartitionRow& row : cluster.partitions) {
    if (!holds(row, node.id)) continue;
    ++held;
    if (!has_room(row, others)) {
      ++stuck;
      continue;
    }
    bytes += row.file_bytes;
    sizes_known = sizes_known && row.has_status;
  }
  if (held == 0) {
    plan.lines.push_back({"It holds nothing. Nothing will be put on it any more."});
    return;
  }
  plan.lines.push_back(
      {"It holds " + counted(held, "replica", "replicas") + ", and leads " +
       format_count(std::uint64_t{node.partitions_led}) + " of them. " +
       (stuck == held ? "None can"
        : stuck > 0   ? format_count(held - stuck) + " can"
                      : std::string("All")) +
       " move to other nodes" +
       (stuck == held ? "."
                      : ": " + std::string(sizes_known ? "" : "at least ") + format_bytes(bytes) +
                            " are copied, 16 partitions at a time.")});
  if (stuck > 0) {
    plan.lines.push_back({partitions_that(stuck, "has", "have") +
                              " a replica on every other node already: what is here of them stays "
                              "until there is a node more.",
                          Tone::warning});
  }
  plan.lines.push_back(
      {"Nothing new is put on it. Producers and consumers go on. When it holds "
       "nothing any more, it may be stopped."});
}

void plan_remove(const NodeRow& node, NodePlan& plan) {
  if (node.replicas > 0) {
    plan.problem = "It holds " + counted(node.replicas, "replica", "replicas") +
                   (node.draining ? "; wait until it is drained." : "; drain it first.");
  } else if (node.health != NodeHealth::lost) {
    plan.problem = "It is running; stop it first.";
  } else {
    plan.lines.push_back(
        {"The cluster forgets it. Nothing is lost: it holds no replica. Started "
         "again, it joins again."});
  }
}

void plan_rebalance(const ClusterView& cluster, NodePlan& plan) {
  const std::vector<NodeId> nodes = open_nodes(cluster);
  if (nodes.size() < 2) {
    plan.problem = "There are no two nodes to spread replicas over.";
    return;
  }
  std::uint32_t least = UINT32_MAX;
  std::uint32_t most = 0;
  for (const NodeId id : nodes) {
    const NodeRow& node = *cluster.find_node(id);
    least = std::min(least, node.replicas);
    most = std::max(most, node.replicas);
  }
  plan.lines.push_back({counted(nodes.size(), "node", "nodes") + " hold between " +
                        format_count(std::uint64_t{least}) + " and " +
                        format_count(std::uint64_t{most}) +
                        " replicas now. They will hold about equally many."});
  plan.lines.push_back({most - least <= 1
                            ? "That is even already: little or nothing will move."
                            : "Up to 1,000 partitions are copied, 16 at a time, while everything "
                              "goes on."});
}

}  // namespace

Result<std::int64_t> parse_kept_for(std::string_view text) {
  if (const auto ms = parse_amount(text, time_units)) return *ms;
  return failure(Errc::invalid_argument,
                 "How long records are kept looks like 7 d, 12 h or 30 min, or is empty.");
}
std::string kept_for_text(std::int64_t ms) {
  return ms == 0 ? std::string() : amount_text(ms, time_units);
}
Result<std::int64_t> parse_kept_size(std::string_view text) {
  if (const auto bytes = parse_amount(text, size_units)) return *bytes;
  return failure(Errc::invalid_argument,
                 "How much is kept looks like 500 MiB or 10 GiB, or is empty.");
}
std::string kept_size_text(std::int64_t bytes) {
  return bytes == 0 ? std::string() : amount_text(bytes, size_units);
}

TopicForm form_of(const std::string& name, const TopicConfig& config) {
  return {name,
          config.partitions,
          config.replication,
          config.min_insync_replicas,
          kept_for_text(config.retention_ms),
          kept_size_text(config.retention_bytes),
          config.unclean_elections};
}

Result<TopicConfig> config_of(const TopicForm& form) {
  TopicConfig config;
  config.partitions = form.partitions;
  config.replication = form.replication;
  config.min_insync_replicas = form.min_insync;
  config.unclean_elections = form.unclean;
  PINION_TRY(ms, parse_kept_for(form.kept_for));
  PINION_TRY(bytes, parse_kept_size(form.kept_size));
  config.retention_ms = ms;
  config.retention_bytes = bytes;
  if (config.min_insync_replicas > config.replication) {
    return failure(Errc::invalid_argument,
                   std::to_string(form.min_insync) + " replicas in sync can never be met with " +
                       std::to_string(form.replication) + " of each partition.");
  }
  return config;
}

int usual_replication(const ClusterView& cluster) {
  return static_cast<int>(std::clamp<std::size_t>(open_nodes(cluster).size(), 1, 3));
}

TopicPlan plan_topic(const ClusterView& cluster, const TopicRow& topic, const TopicForm& form) {
  TopicPlan plan;
  plan.change.name = topic.name;
  const auto next = config_of(form);
  if (!next) {
    plan.problem = next.error().detail;
    return plan;
  }
  plan_partitions(topic, *next, plan);
  if (plan.problem.empty()) plan_replication(cluster, topic, *next, plan);
  if (plan.problem.empty()) plan_min_insync(cluster, topic, *next, plan);
  if (!plan.problem.empty()) {
    plan.lines.clear();
    return plan;
  }
  plan_kept(topic, *next, plan);
  if (next->unclean_elections != topic.config.unclean_elections) {
    plan.change.unclean_elections = next->unclean_elections ? 1 : 0;
    if (next->unclean_elections) {
      plan.lines.push_back(
          {"When no replica that has everything is left, one that has less leads: "
           "acknowledged records may be lost.",
           Tone::warning});
    } else {
      plan.lines.push_back({"Only a replica that has everything may lead."});
    }
  }
  return plan;
}

NodePlan plan_node(const ClusterView& cluster, NodeId id, NodeCommand command) {
  NodePlan plan;
  if (command == NodeCommand::rebalance) {
    plan.title = "Spread replicas evenly?";
    plan.action = "Rebalance";
    plan_rebalance(cluster, plan);
    return plan;
  }
  const NodeRow* node = cluster.find_node(id);
  const std::string name = name_of_node(id);
  if (node == nullptr) {
    plan.title = name;
    plan.action = "Close";
    plan.problem = "It is not there any more.";
    return plan;
  }
  switch (command) {
    case NodeCommand::drain:
      plan.title = "Drain " + name + "?";
      plan.action = "Drain " + name;
      plan_drain(cluster, *node, plan);
      break;
    case NodeCommand::keep:
      plan.title = "Keep " + name + "?";
      plan.action = "Keep " + name;
      if (!node->draining) plan.problem = "It is not being drained.";
      plan.lines.push_back(
          {"It may hold partitions again. What has moved away stays where it is; "
           "Rebalance spreads replicas evenly."});
      break;
    case NodeCommand::remove:
      plan.title = "Remove " + name + "?";
      plan.action = "Remove " + name;
      plan_remove(*node, plan);
      break;
    case NodeCommand::rebalance:
      break;
  }
  if (!plan.problem.empty()) plan.lines.clear();
  return plan;
}

std::uint32_t stuck_replicas(const ClusterView& cluster, NodeId node) {
  std::vector<NodeId> others = open_nodes(cluster);
  std::erase(others, node);
  return static_cast<std::uint32_t>(
      std::count_if(cluster.partitions.begin(), cluster.partitions.end(), [&](const auto& row) {
        return holds(row, node) && !row.is_moving() && !has_room(row, others);
      }));
}

DrainProgress drain_progress(const NodeRow& node, Freshness freshness) {
  const bool fresh = freshness == Freshness::fresh;
  const std::uint32_t whole = std::max(node.drained_of, node.replicas);
  const std::uint32_t gone = whole - node.replicas;
  const std::string name = name_of_node(node.id);
  DrainProgress progress;
  progress.share = whole == 0 ? 1.0F : static_cast<float>(gone) / static_cast<float>(whole);
  if (node.is_drained()) {
    progress.text = !fresh ? name +
                                 " held nothing when the broker last told; whether it may be "
                                 "stopped now is not known"
                    : node.health == NodeHealth::lost
                        ? name + " is drained: it holds nothing any more and may be removed"
                        : name + " is drained: it holds nothing any more and may be stopped";
    progress.tone = fresh ? Tone::good : Tone::muted;
    return progress;
  }
  progress.text = format_count(std::uint64_t{gone}) + " of " + format_count(std::uint64_t{whole}) +
                  " replicas " + (fresh ? "have" : "had") + " left " + name;
  if (node.stuck == 0) return progress;
  progress.text +=
      ", " + counted(node.stuck, fresh ? "has" : "had", fresh ? "have" : "had") + " nowhere to go";
  progress.tone = Tone::warning;
  return progress;
}

Outcome drain_outcome(const ClusterView* cluster, NodeId id, std::uint32_t moves,
                      Freshness freshness) {
  const NodeRow* node = cluster == nullptr ? nullptr : cluster->find_node(id);
  const std::string name = "Node " + std::to_string(id.raw());
  // From before the drain it may have been given something since.
  const bool sure = freshness == Freshness::fresh && node != nullptr && node->is_drained();
  if (moves == 0 && sure) {
    return {name + " is drained: it holds nothing, and may be stopped."};
  }
  Outcome outcome{name + " is being drained"};
  if (moves > 0) {
    outcome.text += "; " + counted(moves, "partition is", "partitions are") + " being moved";
  }
  const std::uint32_t stuck = node == nullptr ? 0 : stuck_replicas(*cluster, id);
  outcome.text += ".";
  if (stuck > 0) {
    outcome.wants_attention = true;
    outcome.text += " " + counted(stuck, "replica has", "replicas have") +
                    " nowhere to go: every other node that is open has one already. Add a node, "
                    "or keep this one.";
  }
  return outcome;
}

std::string difference_text(const TopicConfig& before, const TopicConfig& after) {
  std::string text;
  const auto add = [&](const char* what, const std::string& from, const std::string& to) {
    if (from == to) return;
    text += (text.empty() ? "" : ", ") + std::string(what) + " " + from + " to " + to;
  };
  add("partitions", std::to_string(before.partitions), std::to_string(after.partitions));
  add("replicas", std::to_string(before.replication), std::to_string(after.replication));
  const auto least = [](std::int32_t n) {
    return n == 0 ? std::string("the majority") : std::to_string(n);
  };
  add("least in sync", least(before.min_insync_replicas), least(after.min_insync_replicas));
  add("kept for", kept_or(kept_for_text(before.retention_ms), "ever"),
      kept_or(kept_for_text(after.retention_ms), "ever"));
  add("kept a partition", kept_or(kept_size_text(before.retention_bytes), "all"),
      kept_or(kept_size_text(after.retention_bytes), "all"));
  add("unclean elections", before.unclean_elections ? "on" : "off",
      after.unclean_elections ? "on" : "off");
  return text;
}

}  // namespace pinion::gui
