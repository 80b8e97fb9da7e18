// What the workload knows of the cluster's topics, shared by its clients.
#pragma once

#include "common/proto/messages.hpp"

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
    for (const KnownTopic& known : topics_) {
      if (known.id == topic.id) return;
    }
    topics_.push_back({topic.id, topic.name, topic.config.partitions, false});
  }
  void doom(const std::string& name) {
    for (KnownTopic& known : topics_) {
      if (known.name == name) known.doomed = true;
    }
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
