// How often each fault, error code, refusal and interesting path was reached: a swarm that never
// reaches a path proves nothing about it. Printed by the runner, summed over seeds.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace pinion::sim {

class Counters {
 public:
  void count(const std::string& what, std::uint64_t times = 1) { values_[what] += times; }
  void add(const Counters& other) {
    for (const auto& [what, times] : other.values_) values_[what] += times;
  }
  [[nodiscard]] std::uint64_t of(const std::string& what) const {
    const auto found = values_.find(what);
    return found == values_.end() ? 0 : found->second;
  }
  [[nodiscard]] std::uint64_t of_all(std::string_view prefix) const {
    std::uint64_t times = 0;
    for (const auto& [what, count] : values_) {
      if (what.starts_with(prefix)) times += count;
    }
    return times;
  }
  [[nodiscard]] const std::map<std::string, std::uint64_t>& values() const { return values_; }

 private:
  std::map<std::string, std::uint64_t> values_;
};

}  // namespace pinion::sim
