#include "gui/model/importing.hpp"

#include "common/base/text.hpp"
#include "gui/model/json.hpp"

#include <optional>
#include <string>
#include <utility>

namespace pinion::gui {
namespace {

const JsonNode* member(const JsonNodes& nodes, std::string_view name) {
  for (std::size_t i = 1; i < nodes.size(); i = nodes[i].after) {
    if (nodes[i].name == name) return &nodes[i];
  }
  return nullptr;
}

/// A text, or bytes in base64 where "NAME_encoding" says so.
Result<std::string> bytes_of(const JsonNodes& nodes, const std::string& name,
                             const JsonNode& node) {
  if (node.type != JsonType::text) return failure(Errc::malformed, "'" + name + "' is no text");
  std::string text = json_plain(node);
  const JsonNode* encoding = member(nodes, name + "_encoding");
  if (encoding == nullptr) return text;
  if (json_plain(*encoding) != "base64") {
    return failure(Errc::malformed, "'" + name + "_encoding' is not base64");
  }
  auto bytes = base64_decode(text);
  if (!bytes) return failure(Errc::malformed, "'" + name + "' is no base64");
  return std::move(*bytes);
}

}  // namespace

Result<Draft> parse_exported_line(std::string_view line) {
  PINION_TRY(nodes, parse_json(line));
  if (nodes.front().type != JsonType::object) {
    return failure(Errc::malformed, "it is no JSON object, as exports have one a line");
  }
  Draft draft;
  const JsonNode* value = member(nodes, "value");
  if (value == nullptr) return failure(Errc::malformed, "it has no 'value'");
  PINION_TRY(value_bytes, bytes_of(nodes, "value", *value));
  draft.value = std::move(value_bytes);
  const JsonNode* key = member(nodes, "key");
  if (key != nullptr && key->type != JsonType::null) {
    PINION_TRY(key_bytes, bytes_of(nodes, "key", *key));
    draft.key = std::move(key_bytes);
  }
  const JsonNode* headers = member(nodes, "headers");
  if (headers != nullptr && headers->type != JsonType::null) {
    PINION_TRY(parsed, parse_record_headers(headers->raw));
    draft.headers = std::move(parsed);
  }
  return draft;
}

}  // namespace pinion::gui
