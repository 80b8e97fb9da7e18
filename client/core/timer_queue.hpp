// TimerQueue: one deadline for each key, and the earliest of them, without looking at all of them.
// Pure; keys that are due come out in the order of their deadlines, then of the keys.
#pragma once

#include "common/base/time.hpp"

#include <map>
#include <optional>
#include <set>
#include <utility>

namespace pinion::client {

template <typename Key>
class TimerQueue {
 public:
  /// Replaces the key's deadline; `never` takes it out.
  void set(const Key& key, Micros at) {
    const auto [found, fresh] = at_.try_emplace(key, at);
    if (!fresh) {
      if (found->second == at) return;
      queue_.erase({found->second, key});
      found->second = at;
    }
    if (at >= never) {
      at_.erase(found);
    } else {
      queue_.insert({at, key});
    }
  }
  void remove(const Key& key) { set(key, never); }

  /// Takes out the first key whose deadline is not after `now`.
  [[nodiscard]] std::optional<Key> pop_due(Micros now) {
    if (queue_.empty() || queue_.begin()->first > now) return std::nullopt;
    const Key key = queue_.begin()->second;
    queue_.erase(queue_.begin());
    at_.erase(key);
    return key;
  }
  [[nodiscard]] Micros next() const noexcept {
    return queue_.empty() ? never : queue_.begin()->first;
  }

 private:
  std::set<std::pair<Micros, Key>> queue_;
  std::map<Key, Micros> at_;
};

}  // namespace pinion::client
