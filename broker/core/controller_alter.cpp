// Topics that are told to be otherwise: more partitions, more or fewer replicas, other limits.
#include <algorithm>
#include <string>
#include <utility>

#include "broker/core/controller.hpp"
#include "common/base/limits.hpp"
#include "common/proto/codec.hpp"

namespace pinion {

namespace {

[[nodiscard]] TopicConfig altered_config(TopicConfig config, const AlterTopic& asked) {
  if (asked.partitions >= 0) config.partitions = asked.partitions;
  if (asked.replication >= 0) config.replication = asked.replication;
  if (asked.retention_ms >= 0) config.retention_ms = asked.retention_ms;
  if (asked.retention_bytes >= 0) config.retention_bytes = asked.retention_bytes;
  if (asked.min_insync_replicas >= 0) config.min_insync_replicas = asked.min_insync_replicas;
  if (asked.unclean_elections >= 0) config.unclean_elections = asked.unclean_elections == 1;
  return config;
}

}  // namespace

void Controller::on_alter_topic(const Now& now, const ClientRequest& request,
                                ControllerEffects& out) {
  const auto& asked = std::get<AlterTopic>(request.body);
  const Waiter waiter = waiter_of(now, request);
  const Topic* found = topics_.find(std::string_view(asked.name));
  if (found == nullptr || found->deleting) {
    return refuse(waiter, Errc::unknown_topic, "topic '" + asked.name + "' does not exist", out);
  }
  Topic& topic = *topics_.find(found->meta.id);
  if (auto done = alter(topic, asked, waiter, out); !done) {
    refuse(waiter, done.error().code, done.error().detail, out);
  }
}

Result<void> Controller::alter(Topic& topic, const AlterTopic& asked, const Waiter& waiter,
                               ControllerEffects& out) {
  PINION_CHECK(may_decide());
  if (topic.altering) return failure(Errc::throttled, "the topic is being altered already");
  TopicConfig config = altered_config(topic.meta.config, asked);
  const std::string& name = topic.meta.name;
  PlacementPlanner planner = planner_of_all();
  if (config.replication == 0) {
    config.replication = replication_by_default(name);
  }
  if (config.partitions < topic.meta.config.partitions) {
    return failure(Errc::invalid_argument, "a topic's partitions can only become more: '" + name +
                                               "' has " +
                                               std::to_string(topic.meta.config.partitions));
  }
  if (config.min_insync_replicas > config.replication) {
    return failure(Errc::invalid_argument, "min_insync_replicas " +
                                               std::to_string(config.min_insync_replicas) +
                                               " could never be met with " +
                                               std::to_string(config.replication) + " replicas");
  }
  const auto count = static_cast<std::size_t>(config.replication);
  if (config.replication > topic.meta.config.replication && planner.places_for(name) < count) {
    return failure(Errc::no_nodes, std::to_string(count) + " replicas are asked for, and " +
                                       std::to_string(planner.places_for(name)) +
                                       " connected partition brokers may hold topic '" + name +
                                       "'");
  }
  std::vector<MetaOp> ops;
  ops.emplace_back(SetTopicConfig{topic.meta.id, config});
  PINION_CHECK(add_partitions(topic, config, planner, ops));
  TopicAltered altered{topic.meta.id, {}, waiter};
  for (auto row = partitions_.first_of(topic.meta.id);
       row != partitions_.rows().end() && row->first.topic == topic.meta.id; ++row) {
    // A new version also when nothing moves: it brings the configuration to the replicas.
    set_decided(row->second, altered_partition(row->second, topic, config, planner), ops);
    altered.keys.push_back(row->first);
  }
  topic.altering = true;
  decide(std::move(ops), std::move(altered), out);
  return {};
}

/// A partition's row under another configuration, with where its replicas should be by then.
PartitionMeta Controller::altered_partition(const Partition& partition, const Topic& topic,
                                            const TopicConfig& config,
                                            PlacementPlanner& planner) const {
  PartitionMeta next = partition.decided;
  const PlacedTopic placed{topic.meta.id, topic.meta.name};
  const auto count = static_cast<std::size_t>(config.replication);
  std::vector<NodeId> target = next.target.empty() ? next.replicas : next.target;
  planner.remove(placed.id, target);
  while (target.size() > count) {
    // Copies that are not in sync go first; the leader stays where it is.
    std::vector<NodeId> may = target;
    std::erase(may, next.leader);
    const auto is_in_sync = [&](NodeId id) { return names(next.isr, id); };
    if (!std::all_of(may.begin(), may.end(), is_in_sync)) std::erase_if(may, is_in_sync);
    const std::size_t worst = planner.worst_place(placed, target, may);
    target.erase(target.begin() + static_cast<std::ptrdiff_t>(worst));
  }
  while (target.size() < count) {
    const NodeId best = planner.best_beside(placed, target);
    if (best == node_none) break;
    target.push_back(best);
  }
  planner.add(placed.id, target);
  // Under either configuration some may have been committed without the eligible ones.
  next = without_stale_eligible(std::move(next), min_insync(next.key));
  const bool stays = next.target.empty() && target == next.replicas;
  if (!stays && target != next.target) next = with_target(std::move(next), std::move(target));
  const std::size_t least = least_in_sync(config, next);
  return without_stale_eligible(std::move(next), least);
}

Result<void> Controller::add_partitions(const Topic& topic, const TopicConfig& config,
                                        PlacementPlanner& planner, std::vector<MetaOp>& ops) const {
  const std::int32_t there_are = topic.meta.config.partitions;
  const std::int32_t more = config.partitions - there_are;
  if (more <= 0) return {};
  if (partitions_.size() + placing_total_ + static_cast<std::size_t>(more) >
      limits::partitions_max) {
    return failure(Errc::limit_reached, "a cluster has at most " +
                                            std::to_string(limits::partitions_max) + " partitions");
  }
  const PlacedTopic of{topic.meta.id, topic.meta.name};
  PINION_TRY(placed, plan_replicas(planner, of, more, config.replication));
  AddPartitions add;
  for (std::size_t i = 0; i < placed.size(); ++i) {
    const PartitionIndex index(there_are + static_cast<std::int32_t>(i));
    add.partitions.push_back(new_partition({topic.meta.id, index}, placed[i]));
  }
  ops.emplace_back(std::move(add));
  return {};
}

void Controller::then(const Now& now, const TopicAltered& altered, ControllerEffects& out) {
  Topic* topic = topics_.find(altered.topic);
  if (topic == nullptr || topic->deleting) {
    return refuse(altered.waiter, Errc::unknown_topic, "the topic was deleted meanwhile", out);
  }
  topic->altering = false;
  PartitionsSet set{altered.keys};
  for (auto row = partitions_.first_of(altered.topic);
       row != partitions_.rows().end() && row->first.topic == altered.topic; ++row) {
    const bool is_new =
        std::find(altered.keys.begin(), altered.keys.end(), row->first) == altered.keys.end();
    if (is_new) set.keys.push_back(row->first);
  }
  then(now, set, out);
  plan_moves(now, out);
  reply(altered.waiter, AlterTopicReply{metadata_of(*topic)}, out);
}

}  // namespace pinion
