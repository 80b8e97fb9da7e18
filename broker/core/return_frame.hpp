// The one frame that the router pushes in front of a forwarded request and that the node echoes.
// Only the router reads it. Integers little-endian:
//
//   offset   size   field
//   0        1      0x52, so that the frame is never empty and garbage is noticed
//   1        1      1: the layout's version
//   2        8      client life; lives grow over restarts of the broker too
//   10       8      node life
//   18       4      node id
//   22       4      generation
//   26       4      bytes of the request
//   30       ...    the client's routing id
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace pinion {

struct ReturnFrame {
  std::uint64_t client_life = 0;
  std::uint64_t node_life = 0;
  NodeId node = node_none;
  std::uint32_t generation = 0;
  std::uint32_t bytes = 0;
  std::string_view client;  ///< Refers to the frame when decoded.
};

[[nodiscard]] Bytes encode_return_frame(const ReturnFrame& frame);
/// Nothing when these are not bytes that encode_return_frame made.
[[nodiscard]] std::optional<ReturnFrame> decode_return_frame(std::string_view bytes);

}  // namespace pinion
