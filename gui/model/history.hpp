// History: how numbers moved, as a ring of samples with a fixed capacity. The oldest goes when it
// is full. A value that nobody knew is a NaN, and a gap in a chart. Plain values; copies are
// snapshots.
#pragma once

#include "common/base/time.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace pinion::gui {

inline constexpr double unknown_value = std::numeric_limits<double>::quiet_NaN();

template <std::size_t Values>
class History {
 public:
  struct Sample {
    Micros wall{0};
    std::array<double, Values> values{};
  };

  explicit History(std::size_t capacity) : capacity_(capacity) {}

  void add(const Sample& sample) {
    if (samples_.size() < capacity_) {
      samples_.push_back(sample);
      return;
    }
    samples_[begin_] = sample;
    begin_ = (begin_ + 1) % capacity_;
  }
  [[nodiscard]] std::size_t size() const noexcept { return samples_.size(); }
  /// 0 is the oldest.
  [[nodiscard]] const Sample& at(std::size_t index) const {
    return samples_[(begin_ + index) % samples_.size()];
  }

 private:
  std::size_t capacity_;
  std::size_t begin_ = 0;
  std::vector<Sample> samples_;
};

}  // namespace pinion::gui
