#include "broker/core/return_frame.hpp"

#include <cstring>
#include <string>

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

namespace pinion {

namespace {

constexpr char mark = 0x52;
constexpr char layout_version = 1;
constexpr std::size_t fixed_bytes = 30;

template <typename T>
void put(char* at, T value) noexcept {
  std::memcpy(at, &value, sizeof value);
}

template <typename T>
[[nodiscard]] T get(const char* at) noexcept {
  T value{};
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

Bytes encode_return_frame(const ReturnFrame& frame) {
  PINION_ASSERT(!frame.client.empty());
  PINION_ASSERT(frame.client.size() <= limits::routing_frame_bytes_max);
  std::string bytes(fixed_bytes + frame.client.size(), '\0');
  char* at = bytes.data();
  at[0] = mark;
  at[1] = layout_version;
  put(at + 2, frame.client_life);
  put(at + 10, frame.node_life);
  put(at + 18, frame.node.raw());
  put(at + 22, frame.generation);
  put(at + 26, frame.bytes);
  std::memcpy(at + fixed_bytes, frame.client.data(), frame.client.size());
  return Bytes(std::move(bytes));
}

std::optional<ReturnFrame> decode_return_frame(std::string_view bytes) {
  if (bytes.size() <= fixed_bytes) return std::nullopt;
  if (bytes.size() > fixed_bytes + limits::routing_frame_bytes_max) return std::nullopt;
  const char* at = bytes.data();
  if (at[0] != mark || at[1] != layout_version) return std::nullopt;
  ReturnFrame frame;
  frame.client_life = get<std::uint64_t>(at + 2);
  frame.node_life = get<std::uint64_t>(at + 10);
  frame.node = NodeId(get<std::int32_t>(at + 18));
  frame.generation = get<std::uint32_t>(at + 22);
  frame.bytes = get<std::uint32_t>(at + 26);
  frame.client = bytes.substr(fixed_bytes);
  return frame;
}

}  // namespace pinion
