// What a person is told of partitions that nobody serves: why, what brings them back, and when they
// are back. Pure.
#pragma once

#include "common/base/error.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pinion::cli {

/// Readers are answered.
[[nodiscard]] bool is_served(PartitionState state) noexcept;

/// Why a halted partition does not serve, and what brings it back.
[[nodiscard]] std::string halted_text(const PartitionMetadata& partition);

/// The same of any partition that is not served; without what is said of every such error.
[[nodiscard]] Error unserved_error(const PartitionMetadata& partition);

/// Those of one topic that nobody serves, and since when.
class UnservedPartitions {
 public:
  /// What is known at this time. `only`: the others do not matter.
  void note(const TopicMetadata& topic, std::optional<PartitionIndex> only, Micros now);

  /// 0: it is served, as far as is known.
  [[nodiscard]] Micros unserved_for(PartitionIndex partition, Micros now) const;
  /// unserved_error() as of the last note; ok: it is served.
  [[nodiscard]] Error why(PartitionIndex partition) const;

  struct News {
    std::string text;
    bool is_back = false;
  };
  /// Each partition that has not been served for `patience`, once; and once that it is back. Most
  /// changes of a leader are over before anybody need hear of them.
  [[nodiscard]] std::vector<News> news(Micros now, Micros patience);

 private:
  struct Unserved {
    Micros since{0};
    Error why;
    bool told = false;
  };
  std::map<PartitionIndex, Unserved> unserved_;
  std::vector<PartitionIndex> back_;  ///< Told to be unserved, and not yet that they are back.
};

}  // namespace pinion::cli
