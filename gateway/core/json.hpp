// JSON in and out. Reading is nlohmann's, without its exceptions, and with bounds on nesting and on
// how many values there are: one of a few bytes takes a hundred when it is read. Writing is by
// hand, straight into the answer. The one home of nlohmann in the gateway. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include "common/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pinion::gateway {

using Json = nlohmann::json;

/// Arrays and objects within one another: what people write is flat.
inline constexpr std::size_t json_depth_max = 32;

/// Values and names together, at all depths. What takes parameters needs some ten of them; 10,000
/// take about 1 MiB and a few milliseconds.
inline constexpr std::size_t json_values_max = 10'000;

/// malformed when it is not JSON (RFC 8259, UTF-8), is nested deeper than json_depth_max or has
/// more than `values_max` values; its detail says which.
[[nodiscard]] Result<Json> parse_json(std::string_view text,
                                      std::size_t values_max = json_values_max);

/// How the value of a member is written, of several with one name the last. Requires: `object` is
/// the text of a JSON object that has it, without anything around it.
[[nodiscard]] std::string_view member_text(std::string_view object, std::string_view name);

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
  [[nodiscard]] std::size_t bytes() const noexcept { return text_.size(); }
  [[nodiscard]] std::string take() {
    text_ += ']';
    return std::move(text_);
  }

 private:
  std::string text_ = "[";
};

}  // namespace pinion::gateway
