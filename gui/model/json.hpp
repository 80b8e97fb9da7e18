// JSON as the dashboard needs it: is it JSON and where is it not, a tree to show, a value by its
// path. One pass, no allocation a node; the nodes refer to the text, which the caller keeps. Pure;
// safe on any bytes.
#pragma once

#include "common/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::gui {

enum class JsonType : std::uint8_t { null, boolean, number, text, array, object };

struct JsonNode {
  JsonType type = JsonType::null;
  std::string_view name{};  ///< Of a member, without quotes, escapes as they are. Else empty.
  std::string_view raw{};   ///< The value as it stands; of a text with its quotes.
  std::uint32_t depth = 0;
  std::uint32_t children = 0;
  std::uint32_t after = 0;  ///< The index behind this node and everything in it.
};

/// Nodes in the order of the text: the root first, then its first member with all that is in it.
using JsonNodes = std::vector<JsonNode>;

/// `malformed`, with line and column, for what RFC 8259 does not allow, is nested over 64 deep or
/// has over a million values.
[[nodiscard]] Result<JsonNodes> parse_json(std::string_view text);

/// Whether it is an object or array and parse_json would succeed. Fails fast on anything else.
[[nodiscard]] bool looks_like_json(std::string_view text);

/// Escapes undone; of a text without its quotes. What is not a text stands as it is.
[[nodiscard]] std::string json_plain(const JsonNode& node);

/// The name of a member, escapes undone.
[[nodiscard]] std::string json_name(const JsonNode& node);

/// A path: "$.user.name", ".items[2].price", "user.name"; names of any kind: "$[\"a.b\"].c".
/// `invalid_argument` when it is none.
struct JsonStep {
  std::string name{};  ///< A member, or
  std::optional<std::uint32_t> index{};
};
[[nodiscard]] Result<std::vector<JsonStep>> parse_json_path(std::string_view path);
/// How long the "[0]" or "[\"a.b\"]" at the front is; 0 when there is no end to it.
[[nodiscard]] std::size_t json_brackets_end(std::string_view text);
/// Nothing when there is no such value.
[[nodiscard]] const JsonNode* find_json(const JsonNodes& nodes, const std::vector<JsonStep>& path);
/// "$.items[2].price" of a node, as parse_json_path reads it.
[[nodiscard]] std::string json_path_of(const JsonNodes& nodes, std::size_t index);

/// Indented by two blanks; or nothing when it is not JSON.
[[nodiscard]] std::optional<std::string> pretty_json(std::string_view text);

}  // namespace pinion::gui
