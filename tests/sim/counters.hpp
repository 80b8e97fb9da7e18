// How often each fault, error code, refusal and interesting path was reached: a swarm that never
// reaches a path proves nothing about it. Printed by the runner, summed over seeds.
#pragma once

#include <cstdint>
#include <map>
#include <string>

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
  [[nodiscard]] const std::map<std::string, std::uint64_t>& values() const { return values_; }

 private:
  std::map<std::string, std::uint64_t> values_;
};

}  // namespace pinion::sim
