// JSON in and out. Reading is nlohmann's, without its exceptions and with a bound on nesting;
// writing is by hand, straight into the answer. The one home of nlohmann in the gateway. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pinion::gateway {

using Json = nlohmann::json;

/// Arrays and objects within one another: what people write is flat.
inline constexpr std::size_t json_depth_max = 32;

/// Nothing when it is not JSON (RFC 8259, UTF-8), or is nested deeper than json_depth_max.
[[nodiscard]] std::optional<Json> parse_json(std::string_view text);

/// A JSON object that is being written: JsonObject().add("a", 1).add("b", "text").take().
class JsonObject {
 public:
  JsonObject& add(std::string_view name, std::string_view text);
  JsonObject& add(std::string_view name, const char* text) {
    return add(name, std::string_view(text));
  }
  JsonObject& add(std::string_view name, const std::string& text) {
    return add(name, std::string_view(text));
  }
  JsonObject& add(std::string_view name, std::int64_t number);
  JsonObject& add(std::string_view name, bool value);
  /// `json` is JSON already.
  JsonObject& add_json(std::string_view name, std::string_view json);
  /// Any bytes: as text under `name` when they are UTF-8, else under `name`_base64.
  JsonObject& add_bytes(std::string_view name, std::string_view bytes);

  [[nodiscard]] std::string take() {
    text_ += '}';
    return std::move(text_);
  }

 private:
  void begin(std::string_view name);
  std::string text_ = "{";
};

/// A JSON array of what is JSON already.
class JsonArray {
 public:
  JsonArray& add_json(std::string_view json) {
    if (text_.size() > 1) text_ += ',';
    text_ += json;
    return *this;
  }
  JsonArray& add(std::int64_t number) { return add_json(std::to_string(number)); }
  [[nodiscard]] std::string take() {
    text_ += ']';
    return std::move(text_);
  }

 private:
  std::string text_ = "[";
};

}  // namespace pinion::gateway
