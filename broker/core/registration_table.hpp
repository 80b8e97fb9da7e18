// Producers and consumers registered by number: whose each number is, the names, so that a name
// keeps its number, and the newest of each kind, for people. State only.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/limits.hpp"
#include "common/ports/meta_store.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pinion {

class RegistrationTable {
 public:
  /// Whose a number is. 24 bytes each: there may be limits::registrations_max.
  struct Found {
    RegistrationId id;
    TopicId topic;
    const std::string* name;  ///< Null: by number only. Kept by the names.
  };
  /// Null: nobody's. Valid until the next change.
  [[nodiscard]] const Found* find(RegistrationKind kind, RegistrationId id) const {
    const auto& numbers = of(kind).numbers;
    const auto row = std::lower_bound(numbers.begin(), numbers.end(), id, is_below);
    return row != numbers.end() && row->id == id ? &*row : nullptr;
  }
  [[nodiscard]] std::optional<RegistrationId> find(RegistrationKind kind, TopicId topic,
                                                   const std::string& name) const {
    const auto& names = of(kind).names;
    const auto row = names.find({topic, name});
    if (row == names.end()) return std::nullopt;
    return row->second;
  }
  void put(const Registration& registration) {
    Kind& kind = kinds_[static_cast<std::size_t>(registration.kind)];
    ++kind.count;
    Found found{registration.id, registration.topic, nullptr};
    if (!registration.name.empty()) {
      const auto row =
          kind.names
              .insert_or_assign(std::pair(registration.topic, registration.name), registration.id)
              .first;
      found.name = &row->first.second;
    }
    // Numbers grow, so this is at the end; a store may list them in another order.
    auto& numbers = kind.numbers;
    numbers.insert(std::lower_bound(numbers.begin(), numbers.end(), found.id, is_below), found);
    kind.newest.push_back(registration);
    if (kind.newest.size() > limits::registrations_shown_max) kind.newest.pop_front();
    ++kind.count_by_topic[registration.topic];
  }
  void remove_topic(TopicId topic) {
    for (Kind& kind : kinds_) {
      const auto count = kind.count_by_topic.find(topic);
      if (count == kind.count_by_topic.end()) continue;
      kind.count -= count->second;
      kind.count_by_topic.erase(count);
      auto row = kind.names.lower_bound({topic, std::string()});
      while (row != kind.names.end() && row->first.first == topic) row = kind.names.erase(row);
      std::erase_if(kind.newest, [&](const Registration& r) { return r.topic == topic; });
      std::erase_if(kind.numbers, [&](const Found& found) { return found.topic == topic; });
    }
  }
  [[nodiscard]] const std::deque<Registration>& newest(RegistrationKind kind) const {
    return of(kind).newest;
  }
  [[nodiscard]] std::size_t count() const noexcept { return kinds_[0].count + kinds_[1].count; }

 private:
  struct Kind {
    std::map<std::pair<TopicId, std::string>, RegistrationId> names;
    std::map<TopicId, std::size_t> count_by_topic;
    std::vector<Found> numbers;  ///< In their order.
    std::deque<Registration> newest;
    std::size_t count = 0;
  };
  static bool is_below(const Found& found, RegistrationId id) noexcept { return found.id < id; }
  [[nodiscard]] const Kind& of(RegistrationKind kind) const {
    return kinds_[static_cast<std::size_t>(kind)];
  }
  std::array<Kind, 2> kinds_;
};

}  // namespace pinion
