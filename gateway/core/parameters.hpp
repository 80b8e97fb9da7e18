// What a request carries, wherever it travels: in a JSON body, a form body or the query string,
// with any method. The body is told by its first character, for clients set its Content-Type
// wrongly; a name in the body counts before the same one in the query. Pure.
//
//   {…  a JSON object      null  nothing      [… or "…  refused: JSON, but no names
//   anything else: a form, a=1&b=2. Only parts (multipart/form-data) are told by their label.
#pragma once

#include "common/base/result.hpp"
#include "gateway/core/http_message.hpp"
#include "gateway/core/json.hpp"

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace pinion::gateway {

/// Each "%41" as its byte and each '+' as a space; what is no escape stays as it is.
[[nodiscard]] std::string decode_percent(std::string_view text);

/// A number as clients write it: a JSON number or the same as text, whole and of 64 bits. Clients
/// in languages with one kind of number write 7.0, which is 7. Anything else is no number.
struct GivenNumber {
  bool is_given = false;  ///< False: absent, null or empty.
  std::optional<std::int64_t> value;
};

/// Requires: the request's memory outlives it.
class Parameters {
 public:
  using Names = std::initializer_list<std::string_view>;

  /// Names in a form or query.
  static constexpr std::size_t pairs_max = 1'000;

  /// malformed when the body is meant as JSON and is not a JSON object, or holds too much; the
  /// detail says it to people.
  [[nodiscard]] static Result<Parameters> read(const HttpRequest& request,
                                               std::size_t json_values = json_values_max);

  /// Of several names the first that is there with a value counts, else the first that is there and
  /// empty. What is no string is taken as it is written: 1.50, {"b": 1, "a": 2}. Nothing: absent or
  /// null.
  [[nodiscard]] std::optional<std::string> text(Names names) const;
  [[nodiscard]] GivenNumber number(Names names) const;
  /// As it stands in a JSON body, or null.
  [[nodiscard]] const Json* json(std::string_view name) const;

 private:
  [[nodiscard]] std::optional<std::string> find(std::string_view name) const;
  [[nodiscard]] const std::string* find_pair(std::string_view name) const;

  Json body_;                   ///< An object, or null.
  std::string_view body_text_;  ///< What it was read from.
  std::map<std::string, std::string, std::less<>> form_;
  std::map<std::string, std::string, std::less<>> query_;
};

}  // namespace pinion::gateway
