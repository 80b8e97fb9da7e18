// What the workload knows of the cluster's topics, shared by its clients.
#pragma once

#include "common/proto/messages.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace pinion::sim {

struct KnownTopic {
  TopicId id{0};
  std::string name;
  std::int32_t partitions = 0;
  bool doomed = false;  ///< Somebody tried to delete it.
};

class TopicBook {
 public:
  void put(const TopicMetadata& topic) {
    if (!note_partitions(topic))
      topics_.push_back({topic.id, topic.name, topic.config.partitions, false});
  }
  /// A topic that is known may have got more of them. False: it is not known.
  bool note_partitions(const TopicMetadata& topic) {
    for (KnownTopic& known : topics_) {
      if (known.id != topic.id) continue;
      known.partitions = std::max(known.partitions, topic.config.partitions);
      return true;
    }
    return false;
  }
  void doom(const std::string& name) {
    for (KnownTopic& known : topics_) {
      if (known.name == name) known.doomed = true;
    }
  }
  [[nodiscard]] bool is_doomed(TopicId id) const {
    return std::any_of(topics_.begin(), topics_.end(),
                       [id](const KnownTopic& known) { return known.id == id && known.doomed; });
  }
  [[nodiscard]] const KnownTopic* find(const std::string& name) const {
    for (const KnownTopic& known : topics_) {
      if (known.name == name) return &known;
    }
    return nullptr;
  }
  [[nodiscard]] const std::vector<KnownTopic>& topics() const { return topics_; }

 private:
  std::vector<KnownTopic> topics_;
};

}  // namespace pinion::sim
