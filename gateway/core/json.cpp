#include "gateway/core/json.hpp"

#include "common/base/text.hpp"

#include <utility>

namespace pinion::gateway {
namespace {

/// Looks at brackets outside strings only; what is wrong otherwise is the parser's to find.
bool is_nested_too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > json_depth_max) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace

std::optional<Json> parse_json(std::string_view text) {
  if (is_nested_too_deep(text)) return std::nullopt;
  Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

void JsonObject::begin(std::string_view name) {
  if (text_.size() > 1) text_ += ',';
  append_json_string(text_, name);
  text_ += ':';
}

JsonObject& JsonObject::add(std::string_view name, std::string_view text) {
  begin(name);
  append_json_string(text_, text);
  return *this;
}

JsonObject& JsonObject::add(std::string_view name, std::int64_t number) {
  begin(name);
  text_ += std::to_string(number);
  return *this;
}

JsonObject& JsonObject::add(std::string_view name, bool value) {
  begin(name);
  text_ += value ? "true" : "false";
  return *this;
}

JsonObject& JsonObject::add_json(std::string_view name, std::string_view json) {
  begin(name);
  text_ += json;
  return *this;
}

JsonObject& JsonObject::add_bytes(std::string_view name, std::string_view bytes) {
  if (is_utf8(bytes)) return add(name, bytes);
  return add(std::string(name) + "_base64", base64_encode(bytes));
}

}  // namespace pinion::gateway
