// Which call a method and a path are. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pinion::gateway {

enum class Call : std::uint8_t {
  malformed,  ///< No request at all, so no call.
  unknown_path,
  wrong_method,
  create_topic,
  list_topics,
  list_partitions,
  register_producer,
  register_consumer,
  enqueue,
  dequeue,
  size,
  root,
  ping,
  health,
  metrics,
  openapi,
  send_records,
  read_records,
  list_positions,
  move_position,
  follow,
  query,
  describe_topic,
  delete_topic,
  cluster,
};

struct Route {
  Call call = Call::unknown_path;
  std::string_view allow{};  ///< With wrong_method: the methods that there are.
  std::string topic{};       ///< Of the path, decoded; empty: the path has none.
  std::string partition{};
};

/// `target` with its query. A trailing slash is ignored. HEAD is GET where that changes nothing.
[[nodiscard]] Route find_route(std::string_view method, std::string_view target);

/// Its body may hold a batch, or one message as large as the cluster takes.
[[nodiscard]] constexpr bool brings_records(Call call) noexcept {
  return call == Call::enqueue || call == Call::send_records;
}
/// Its answer may be as large.
[[nodiscard]] constexpr bool gives_records(Call call) noexcept {
  return call == Call::dequeue || call == Call::read_records || call == Call::query;
}

/// For metrics and the log: "enqueue".
[[nodiscard]] std::string_view name_of(Call call) noexcept;

}  // namespace pinion::gateway
