#include "client/core/metadata_cache.hpp"

#include "common/base/assert.hpp"

#include <algorithm>

namespace pinion::client {
namespace {

bool same_shape(const TopicMetadata& a, const TopicMetadata& b) {
  return a.id == b.id && a.partitions.size() == b.partitions.size() && a.config == b.config;
}

/// Not by `detail`: it comes to a watcher and is left out of a large reply, so the next one would
/// seem a change, and it is a text for people.
bool same_partition(const PartitionMetadata& a, const PartitionMetadata& b) {
  return a.leader == b.leader && a.leader_epoch == b.leader_epoch && a.state == b.state &&
         a.replicas == b.replicas && a.isr == b.isr && a.target == b.target;
}

bool same_partitions(const TopicMetadata& a, const TopicMetadata& b) {
  return std::equal(a.partitions.begin(), a.partitions.end(), b.partitions.begin(),
                    b.partitions.end(), same_partition);
}

}  // namespace

bool MetadataCache::watch(const std::string& name) {
  const bool fresh = topics_[name].watchers++ == 0;
  if (fresh) {
    wanted_ = true;
    retry_at_ = Micros{0};
  }
  return fresh;
}

void MetadataCache::unwatch(const std::string& name) {
  const auto found = topics_.find(name);
  PINION_ASSERT(found != topics_.end());
  if (--found->second.watchers > 0) return;
  if (found->second.metadata) epochs_.erase(found->second.metadata->id);
  topics_.erase(found);
}

MetadataCache::Knowledge MetadataCache::knowledge(const std::string& name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? Knowledge::unknown : found->second.knowledge;
}

std::shared_ptr<const TopicMetadata> MetadataCache::find(const std::string& name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second.metadata;
}

Epoch MetadataCache::leader_epoch(PartitionKey key) const {
  const auto topic = epochs_.find(key.topic);
  if (topic == epochs_.end()) return epoch_unknown;
  const auto partition = topic->second.find(key.partition);
  return partition == topic->second.end() ? epoch_unknown : partition->second;
}

bool MetadataCache::note_epoch(PartitionKey key, Epoch epoch) {
  wanted_ = true;
  const auto topic = epochs_.find(key.topic);
  if (topic == epochs_.end()) return false;
  const auto partition = topic->second.find(key.partition);
  if (partition == topic->second.end() || partition->second >= epoch) return false;
  partition->second = epoch;
  return true;
}

void MetadataCache::on_connected() {
  request_.reset();
  retry_at_ = Micros{0};
  wanted_ = !topics_.empty();
}

void MetadataCache::on_lost() {
  request_.reset();
  answer_by_ = never;
}

void MetadataCache::on_pong(const Pong& pong) {
  if (topics_.empty()) return;
  if (Version{pong.controller_epoch, pong.metadata_version} != pulled_) wanted_ = true;
}

MetadataChanges MetadataCache::on_reply(const Now& now, RequestId id, const Body& body) {
  MetadataChanges changes;
  if (request_ != id) return changes;
  request_.reset();
  answer_by_ = never;
  const auto* reply = std::get_if<MetadataReply>(&body);
  const Version version = reply ? Version{reply->controller_epoch, reply->metadata_version} : seen_;
  if (reply == nullptr || version < seen_) {  // Refused; or a push has overtaken it.
    wanted_ = true;
    retry_at_ = now.monotonic + retry_.next(wire_->prng);
    return changes;
  }
  seen_ = version;
  pulled_ = version;
  retry_.reset();
  retry_at_ = now.monotonic + limits::client_metadata_retry_min;
  std::vector<std::string> present;
  for (const TopicMetadata& topic : reply->topics) {
    present.push_back(topic.name);
    take_in(topic, changes);
  }
  std::sort(present.begin(), present.end());
  for (const std::string& name : asked_) {
    if (std::binary_search(present.begin(), present.end(), name)) continue;
    const auto found = topics_.find(name);
    if (found != topics_.end()) take_out(name, found->second, changes);
  }
  for (const auto& [name, topic] : topics_) {
    if (topic.knowledge != Knowledge::unknown) continue;
    wanted_ = true;  // Watched since the request left.
    retry_at_ = now.monotonic;
  }
  return changes;
}

MetadataChanges MetadataCache::on_changed(const MetadataChanged& change) {
  MetadataChanges changes;
  const Version version{change.controller_epoch, change.metadata_version};
  if (version < seen_) return changes;
  seen_ = version;
  if (!change.complete) wanted_ = true;
  for (auto& [name, topic] : topics_) {
    if (!topic.metadata) continue;
    const auto gone = std::find(change.deleted.begin(), change.deleted.end(), topic.metadata->id);
    if (gone != change.deleted.end()) take_out(name, topic, changes);
  }
  for (const TopicMetadata& topic : change.topics) take_in(topic, changes);
  return changes;
}

void MetadataCache::take_in(const TopicMetadata& fresh, MetadataChanges& changes) {
  const auto found = topics_.find(fresh.name);
  if (found == topics_.end()) return;
  Topic& topic = found->second;
  const bool same = topic.metadata && same_shape(*topic.metadata, fresh);
  if (topic.metadata && topic.metadata->id != fresh.id) epochs_.erase(topic.metadata->id);
  auto& epochs = epochs_[fresh.id];
  for (const PartitionMetadata& partition : fresh.partitions) {
    Epoch& known = epochs[partition.partition];
    bool moved = partition.leader_epoch > known;
    if (topic.metadata && same) {
      const auto index = static_cast<std::size_t>(partition.partition.raw());
      const PartitionState before = topic.metadata->partitions[index].state;
      moved |= partition.state == PartitionState::online && before != PartitionState::online;
    }
    known = std::max(known, partition.leader_epoch);
    if (moved) changes.moved.push_back({fresh.id, partition.partition});
  }
  if (!same || !same_partitions(*topic.metadata, fresh)) changes.replaced.push_back(fresh.name);
  topic.metadata = std::make_shared<const TopicMetadata>(fresh);
  if (same) return;
  topic.knowledge = Knowledge::present;
  changes.topics.push_back(fresh.name);
}

void MetadataCache::take_out(const std::string& name, Topic& topic, MetadataChanges& changes) {
  if (topic.knowledge == Knowledge::missing) return;
  if (topic.metadata) epochs_.erase(topic.metadata->id);
  topic.metadata.reset();
  topic.knowledge = Knowledge::missing;
  changes.topics.push_back(name);
  changes.replaced.push_back(name);
}

void MetadataCache::pump(const Now& now, Effects& out) {
  if (request_ && now.monotonic >= answer_by_) {
    wire_->forget(*request_);
    request_.reset();
    answer_by_ = never;
    wanted_ = true;
  }
  if (!wanted_ || request_ || now.monotonic < retry_at_) return;
  if (topics_.empty()) {
    wanted_ = false;
    return;
  }
  MetadataRequest request;
  for (const auto& [name, topic] : topics_) request.topics.push_back(name);
  const Body body = request;
  request_ = wire_->send({Asker::Kind::metadata, 0, {}},
                         {.time_left = limits::client_attempt_timeout, .body = &body}, out);
  if (!request_) {
    if (wire_->connected) retry_at_ = now.monotonic + limits::client_metadata_retry_min;
    return;
  }
  asked_ = std::move(request.topics);
  answer_by_ = now.monotonic + limits::client_attempt_timeout;
  wanted_ = false;
}

Micros MetadataCache::next_deadline() const noexcept {
  if (request_) return answer_by_;
  return wanted_ && wire_->connected ? retry_at_ : never;
}

}  // namespace pinion::client
