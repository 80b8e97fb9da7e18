// Topics: creation, from the decision to the last partition's report, and deletion.
#include <algorithm>
#include <utility>

#include "broker/core/controller.hpp"
#include "common/base/assert.hpp"
#include "common/proto/codec.hpp"

namespace pinion {

namespace {

[[nodiscard]] Result<void> check_config(const TopicConfig& config) {
  if (config.partitions < 1 || config.partitions > limits::partitions_per_topic_max) {
    return failure(Errc::invalid_argument,
                   "a topic has 1 to " + std::to_string(limits::partitions_per_topic_max) +
                       " partitions, not " + std::to_string(config.partitions));
  }
  if (config.replication < 0 || config.replication > static_cast<std::int32_t>(limits::nodes_max)) {
    return failure(Errc::invalid_argument, "a partition has 1 to " +
                                               std::to_string(limits::nodes_max) +
                                               " replicas; 0 stands for the default");
  }
  if (config.min_insync_replicas < 0 ||
      (config.replication > 0 && config.min_insync_replicas > config.replication)) {
    return failure(Errc::invalid_argument, "min_insync_replicas " +
                                               std::to_string(config.min_insync_replicas) +
                                               " could never be met with " +
                                               std::to_string(config.replication) + " replicas");
  }
  if (config.retention_ms < 0 || config.retention_bytes < 0) {
    return failure(Errc::invalid_argument, "retention is 0 (without limit) or more");
  }
  return {};
}

[[nodiscard]] std::string no_topic(const std::string& name) {
  return "topic '" + name + "' does not exist";
}

}  // namespace

// ---- Creation
// --------------------------------------------------------------------------------------

std::vector<PlacementNode> Controller::placement_nodes() const {
  std::vector<PlacementNode> nodes;
  for (const auto& [id, node] : nodes_.rows()) {
    const auto placing = placing_.find(id);
    const std::uint64_t on_their_way = placing == placing_.end() ? 0 : placing->second;
    nodes.push_back({.id = id,
                     .partitions = partitions_.led_by(id).size() + on_their_way,
                     .replicas = partitions_.held_by(id).size() + on_their_way,
                     .topics = node.meta.topics,
                     .rack = node.meta.rack,
                     .region = node.meta.region,
                     .takes_more = node.alive() && !node.meta.draining});
  }
  return nodes;
}

/// Nodes that may still come count: a topic that is made while the broker starts would have one
/// replica for ever.
std::int32_t Controller::replication_by_default(std::string_view topic) const {
  std::size_t places = 0;
  for (const auto& [id, node] : nodes_.rows()) {
    if (node.is_gone || node.meta.draining) continue;
    if (may_hold({.id = id, .topics = node.meta.topics}, topic)) ++places;
  }
  return default_replication(places);
}

/// Decides the topic and returns its id. Requires: the name is free.
Result<TopicId> Controller::create_topic(const Now& now, const std::string& name,
                                         const TopicConfig& asked, ControllerEffects& out) {
  PINION_CHECK(check_config(asked));
  PINION_CHECK(may_decide());
  const std::size_t partitions = partitions_.size() + placing_total_;
  if (topics_.size() + creating_names_.size() >= limits::topics_max ||
      partitions + static_cast<std::size_t>(asked.partitions) > limits::partitions_max) {
    return failure(Errc::limit_reached, "a cluster has at most " +
                                            std::to_string(limits::topics_max) + " topics and " +
                                            std::to_string(limits::partitions_max) + " partitions");
  }
  TopicConfig config = asked;
  if (config.replication == 0) config.replication = replication_by_default(name);
  PINION_CHECK(check_config(config));  // Now that the default is known.
  PlacementPlanner planner(placement_nodes());
  const PlacedTopic topic{counters_.topic, name};
  PINION_TRY(placed, plan_replicas(planner, topic, config.partitions, config.replication));

  const TopicId id = counters_.topic;
  ++counters_.topic;
  PutTopic put;
  put.topic = {.id = id, .name = name, .created_at = now.wall, .config = config};
  for (std::size_t i = 0; i < placed.size(); ++i) {
    const PartitionIndex index(static_cast<std::int32_t>(i));
    put.partitions.push_back(new_partition({id, index}, placed[i]));
  }
  Creating& creating = creating_[id];
  creating.name = name;
  for (const std::vector<NodeId>& replicas : placed) {
    for (const NodeId node : replicas) {
      ++placing_[node];
      creating.holders.push_back(node);
    }
  }
  creating.partitions = placed.size();
  placing_total_ += placed.size();
  creating_names_[name] = id;
  std::vector<MetaOp> ops;
  ops.emplace_back(std::move(put));
  ops.emplace_back(SetCounters{counters_});
  decide(std::move(ops), TopicCreated{id}, out);
  return id;
}

void Controller::on_create_topic(const Now& now, const ClientRequest& request,
                                 ControllerEffects& out) {
  const auto& create = std::get<CreateTopic>(request.body);
  Waiter waiter = waiter_of(now, request);
  const Topic* exists = topics_.find(std::string_view(create.name));
  if (exists != nullptr && !exists->deleting) {
    return refuse(waiter, Errc::topic_exists, "topic '" + create.name + "' already exists", out);
  }
  if (waiters_ >= limits::controller_waiters_max) {
    return refuse(waiter, Errc::throttled, "too many wait for topics to be made", out);
  }
  const auto racing = creating_names_.find(create.name);
  if (racing != creating_names_.end()) {
    // Not durable yet, so it may not be said to exist: it is, as soon as it is.
    Creating& creating = creating_[racing->second];
    const bool same =
        std::any_of(creating.creators.begin(), creating.creators.end(), [&](const Waiter& w) {
          return w.client == waiter.client && w.header.request_id == waiter.header.request_id;
        });
    (same ? creating.creators : creating.latecomers).push_back(std::move(waiter));
    ++waiters_;
    return;
  }
  const Result<TopicId> topic = create_topic(now, create.name, create.config, out);
  if (!topic) return refuse(waiter, topic.error().code, topic.error().detail, out);
  creating_[*topic].creators.push_back(std::move(waiter));
  ++waiters_;
}

void Controller::then(const Now& now, const TopicCreated& created, ControllerEffects& out) {
  Creating& creating = creating_.at(created.topic);
  creating.durable = true;
  for (const NodeId node : creating.holders) --placing_[node];
  placing_total_ -= creating.partitions;
  creating.holders.clear();
  creating_names_.erase(creating.name);
  mark_changed(created.topic);
  std::map<NodeId, std::vector<PartitionKey>> assigned;
  for (auto row = partitions_.first_of(created.topic);
       row != partitions_.rows().end() && row->first.topic == created.topic; ++row) {
    Partition& partition = row->second;
    const NodeId leader = partition.meta.leader;
    const Node* node = nodes_.find(leader);
    const std::string name = "node " + std::to_string(leader.raw());
    for (const NodeId id : partition.meta.replicas) {
      const Node* holder = nodes_.find(id);
      if (holder != nullptr && holder->alive()) assigned[id].push_back(row->first);
    }
    if (node != nullptr && node->alive()) {
      set_state(partition, PartitionState::opening, name + " is opening it", out);
    } else {
      set_state(partition, PartitionState::offline,
                name + " is not connected; the partition comes with it", out);
    }
  }
  for (const auto& [id, keys] : assigned) {
    send_assignments(now, *nodes_.find(id), keys, out);
  }
  for (auto row = partitions_.first_of(created.topic);
       row != partitions_.rows().end() && row->first.topic == created.topic; ++row) {
    reconsider(now, row->first, out);
  }
  out.events.push_back({.kind = BrokerEventKind::topic_created,
                        .partition = {created.topic, PartitionIndex{0}},
                        .detail = creating.name});
  for (const Waiter& waiter : creating.latecomers) {
    refuse(waiter, Errc::topic_exists, "topic '" + creating.name + "' already exists", out);
  }
  waiters_ -= creating.latecomers.size();
  creating.latecomers.clear();
}

/// Enough replicas are in sync for records to be committed, or no more will come by themselves.
bool Controller::has_as_many_as_can(const Partition& partition) const {
  const std::size_t least = min_insync(partition.meta.key);
  if (partition.meta.isr.size() >= least) return true;
  std::size_t alive = 0;
  for (const NodeId id : partition.meta.replicas) {
    const Node* node = nodes_.find(id);
    if (node != nullptr && node->alive()) ++alive;
  }
  return alive < least;
}

/// Answers those whose topic is ready or whose time is over.
void Controller::expire_creators(const Now& now, ControllerEffects& out) {
  for (auto row = creating_.begin(); row != creating_.end();) {
    const TopicId id = (row++)->first;
    finish_creation(now, id, out);
  }
}

void Controller::finish_creation(const Now& now, TopicId id, ControllerEffects& out) {
  Creating& creating = creating_.at(id);
  const Topic* topic = creating.durable ? topics_.find(id) : nullptr;
  bool ready = topic != nullptr;
  for (auto row = partitions_.first_of(id);
       ready && row != partitions_.rows().end() && row->first.topic == id; ++row) {
    ready = row->second.state != PartitionState::opening && has_as_many_as_can(row->second);
  }
  const auto is_due = [&](const Waiter& waiter) {
    return ready || waiter.deadline <= now.monotonic;
  };
  const std::string late = "topic '" + creating.name + "' was not durable in time";
  const auto finish = [&](std::vector<Waiter>& waiters) {
    waiters_ -= std::erase_if(waiters, [&](const Waiter& waiter) {
      if (!is_due(waiter)) return false;
      if (topic == nullptr) {
        refuse(waiter, Errc::timed_out, late, out);
      } else {
        reply(waiter, CreateTopicReply{metadata_of(*topic)}, out);
      }
      return true;
    });
  };
  finish(creating.creators);
  finish(creating.latecomers);
  waiters_ -= std::erase_if(creating.producers, [&](const std::pair<Waiter, std::string>& entry) {
    if (!is_due(entry.first)) return false;
    if (topic == nullptr) {
      refuse(entry.first, Errc::timed_out, late, out);
    } else {
      register_reader(now, entry.first, RegistrationKind::producer, id, entry.second, out);
    }
    return true;
  });
  const bool waited_for = !creating.creators.empty() || !creating.producers.empty();
  if (creating.durable && (ready || !waited_for)) creating_.erase(id);
}

// ---- Deletion
// --------------------------------------------------------------------------------------

void Controller::on_delete_topic(const Now& now, const ClientRequest& request,
                                 ControllerEffects& out) {
  const auto& remove = std::get<DeleteTopic>(request.body);
  const Waiter waiter = waiter_of(now, request);
  const Topic* found = topics_.find(std::string_view(remove.name));
  if (found == nullptr) return refuse(waiter, Errc::unknown_topic, no_topic(remove.name), out);
  Topic* topic = topics_.find(found->meta.id);
  if (waiters_ >= limits::controller_waiters_max) {
    return refuse(waiter, Errc::throttled, "too many wait for topics", out);
  }
  if (!topic->deleting) {
    if (auto allowed = may_decide(); !allowed) {
      return refuse(waiter, allowed.error().code, allowed.error().detail, out);
    }
    topic->deleting = true;
    Tombstone tombstone{
        .topic = topic->meta.id, .name = topic->meta.name, .deleted_at = now.wall, .holders = {}};
    std::set<NodeId> holders;
    for (auto row = partitions_.first_of(topic->meta.id);
         row != partitions_.rows().end() && row->first.topic == topic->meta.id; ++row) {
      holders.insert(row->second.meta.replicas.begin(), row->second.meta.replicas.end());
      holders.insert(row->second.meta.made.begin(), row->second.meta.made.end());
    }
    tombstone.holders.assign(holders.begin(), holders.end());
    std::vector<MetaOp> ops;
    ops.emplace_back(RemoveTopic{std::move(tombstone)});
    decide(std::move(ops), TopicRemoved{topic->meta.id}, out);
  }
  removing_[topic->meta.id].push_back(waiter);
  ++waiters_;
}

void Controller::then(const Now& now, const TopicRemoved& removed, ControllerEffects& out) {
  removed_.push_back(removed.topic);
  changed_.erase(removed.topic);
  out.routes_removed.push_back(removed.topic);
  out.events.push_back({.kind = BrokerEventKind::topic_deleted,
                        .partition = {removed.topic, PartitionIndex{0}},
                        .detail = {}});
  const auto waiters = removing_.find(removed.topic);
  if (waiters != removing_.end()) {
    for (const Waiter& waiter : waiters->second) {
      reply(waiter, DeleteTopicReply{removed.topic}, out);
    }
    waiters_ -= waiters->second.size();
    removing_.erase(waiters);
  }
  const auto creating = creating_.find(removed.topic);
  if (creating != creating_.end()) {
    const std::string why = "topic '" + creating->second.name + "' was deleted meanwhile";
    for (const Waiter& waiter : creating->second.creators) {
      refuse(waiter, Errc::unknown_topic, why, out);
    }
    for (const auto& [waiter, name] : creating->second.producers) {
      refuse(waiter, Errc::unknown_topic, why, out);
    }
    waiters_ -= creating->second.creators.size() + creating->second.producers.size();
    creating_.erase(creating);
  }
  for (auto& [id, node] : nodes_.rows()) {
    if (node.alive() && topics_.holds_tombstone(removed.topic, id)) {
      send_tombstones(now, node, out);
    }
  }
}

}  // namespace pinion
