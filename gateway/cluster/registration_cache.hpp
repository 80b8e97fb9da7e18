// RegistrationCache: which topic and partition a number was registered for, as the cluster said.
// Registrations never change, so what is here stays true; a deleted topic's numbers no longer match
// its name's new topic id. Thread-safe.
#pragma once

#include "common/base/ids.hpp"
#include "common/proto/messages.hpp"
#include "gateway/core/commands.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pinion::gateway {

struct Registration {
  TopicId topic{0};
  MaybePartition partition;  ///< It was registered for this one alone.
};

/// A registration's name: unique, so that a repeat of the call makes no second one, and with the
/// partition in it.
[[nodiscard]] inline std::string name_of_registration(std::uint64_t number,
                                                      MaybePartition partition) {
  std::string name = "http-" + std::to_string(number);
  if (partition) name += "-p" + std::to_string(partition->raw());
  return name;
}
[[nodiscard]] inline MaybePartition partition_of_name(std::string_view name) {
  const std::size_t at = name.rfind("-p");
  if (!name.starts_with("http-") || at == std::string_view::npos) return std::nullopt;
  std::int32_t number = -1;
  const char* end = name.data() + name.size();
  if (std::from_chars(name.data() + at + 2, end, number).ptr != end || number < 0) {
    return std::nullopt;
  }
  return PartitionIndex(number);
}

class RegistrationCache {
 public:
  /// 100,000 x about 64 bytes. Beyond, it begins anew: it is only a cache.
  static constexpr std::size_t entries_max = 100'000;

  [[nodiscard]] std::optional<Registration> find(ClientKind of, RegistrationId id) const {
    const std::lock_guard lock(mutex_);
    const auto& entries = entries_[static_cast<std::size_t>(of)];
    const auto at = entries.find(id.raw());
    if (at == entries.end()) return std::nullopt;
    return at->second;
  }
  void put(ClientKind of, RegistrationId id, const Registration& registration) {
    const std::lock_guard lock(mutex_);
    auto& entries = entries_[static_cast<std::size_t>(of)];
    if (entries.size() >= entries_max) entries.clear();
    entries[id.raw()] = registration;
  }

 private:
  mutable std::mutex mutex_;
  std::array<std::unordered_map<std::int64_t, Registration>, 2> entries_;
};

}  // namespace pinion::gateway
