// The core's events as lines of the log.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/obs/log.hpp"
#include "partition/core/node_io.hpp"

#include <string_view>

namespace pinion::partition {

/// Belongs to the I/O thread.
class DriverLog {
 public:
  explicit DriverLog(NodeId node) noexcept : node_(node) {}

  void write(const Event& event, Micros monotonic);
  /// A message that could not even be split, or whose header makes no sense.
  void malformed(std::string_view why, Micros monotonic);

 private:
  NodeId node_;
  LogLimiter unexpected_;
  LogLimiter malformed_;
};

}  // namespace pinion::partition
