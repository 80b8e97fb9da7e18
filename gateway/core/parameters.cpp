#include "gateway/core/parameters.hpp"

#include <algorithm>
#include <charconv>
#include <cctype>
#include <cmath>
#include <utility>

namespace pinion::gateway {
namespace {

constexpr std::string_view white = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(white);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(white) - begin + 1);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

using Pairs = std::map<std::string, std::string, std::less<>>;

/// "a=1&b=two"; the first of equal names counts. False: there are too many, repeats included, for
/// each is work.
bool read_pairs(std::string_view text, Pairs& pairs) {
  std::size_t left = Parameters::pairs_max;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    if (left-- == 0) return false;
    pairs.emplace(decode_percent(pair.substr(0, equals)), decode_percent(value));
  }
  return true;
}

std::string lowered(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

/// What follows `name=` in a header's value, without its quotes; or nothing.
std::string_view attribute(std::string_view header, std::string_view name) {
  const std::string lower = lowered(header);
  for (std::size_t at = lower.find(name); at != std::string::npos; at = lower.find(name, at + 1)) {
    if (at > 0 && lower[at - 1] != ' ' && lower[at - 1] != ';') continue;  // Of "filename", say.
    std::string_view value = header.substr(at + name.size());
    if (!value.starts_with('"')) return trimmed(value.substr(0, value.find(';')));
    value.remove_prefix(1);
    return value.substr(0, value.find('"'));
  }
  return {};
}

/// A body of multipart/form-data: parts between lines of the boundary, each with headers, an empty
/// line and its value. What is no such part is passed over. False: there are too many, those that
/// are passed over included.
bool read_parts(std::string_view body, std::string_view boundary, Pairs& pairs) {
  const std::string delimiter = "--" + std::string(boundary);
  std::size_t left = Parameters::pairs_max;
  std::size_t at = body.find(delimiter);
  while (at != std::string_view::npos) {
    const std::size_t begin = at + delimiter.size();
    at = body.find("\r\n" + delimiter, begin);
    if (at == std::string_view::npos) break;
    const std::string_view part = body.substr(begin, at - begin);
    at += 2;
    if (left-- == 0) return false;
    const std::size_t empty_line = part.find("\r\n\r\n");
    if (empty_line == std::string_view::npos) continue;
    const std::string_view name = attribute(part.substr(0, empty_line), "name=");
    if (name.empty()) continue;
    pairs.emplace(name, part.substr(empty_line + 4));
  }
  return true;
}

/// Beyond some 2^53 not every whole number is one of these.
std::optional<std::int64_t> whole_number(double number) {
  if (std::nearbyint(number) != number || std::abs(number) >= 9e15) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

template <typename Number>
std::optional<Number> read_all(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  if (const auto number = read_all<std::int64_t>(text)) return number;
  const auto number = read_all<double>(text);
  return number ? whole_number(*number) : std::nullopt;
}

std::optional<std::int64_t> whole_number(const Json& value) {
  if (value.is_number_float()) return whole_number(value.get<double>());
  if (value.is_number_unsigned() && value.get<std::uint64_t>() >> 63 != 0) return std::nullopt;
  if (value.is_number_integer()) return value.get<std::int64_t>();
  return std::nullopt;
}

}  // namespace

std::string decode_percent(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

Result<Parameters> Parameters::read(const HttpRequest& request, std::size_t json_values) {
  Parameters parameters;
  const auto too_many = [] { return failure(Errc::malformed, "There are too many parameters"); };
  const std::size_t question = request.target.find('?');
  if (question != std::string_view::npos) {
    const std::string_view query = request.target.substr(question + 1);
    if (!read_pairs(query.substr(0, query.find('#')), parameters.query_)) return too_many();
  }
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  std::string_view body = request.body;
  if (body.starts_with(byte_order_mark)) body.remove_prefix(byte_order_mark.size());
  body = trimmed(body);
  if (body.empty() || body == "null") return parameters;
  if (lowered(request.content_type).find("multipart/form-data") == 0) {
    const std::string_view boundary = attribute(request.content_type, "boundary=");
    if (!boundary.empty() && !read_parts(request.body, boundary, parameters.form_)) {
      return too_many();
    }
  } else if (body.front() == '{') {
    PINION_TRY(json, parse_json(body, json_values));
    parameters.body_ = std::move(json);
    parameters.body_text_ = body;
  } else if (body.front() == '[' || body.front() == '"') {
    return failure(Errc::malformed, "The body is not a JSON object: parameters have names");
  } else if (!read_pairs(body, parameters.form_)) {
    return too_many();
  }
  return parameters;
}

const Json* Parameters::json(std::string_view name) const {
  if (!body_.is_object()) return nullptr;
  const auto at = body_.find(name);
  return at == body_.end() ? nullptr : &*at;
}

const std::string* Parameters::find_pair(std::string_view name) const {
  for (const Pairs* pairs : {&form_, &query_}) {
    const auto at = pairs->find(name);
    if (at != pairs->end()) return &at->second;
  }
  return nullptr;
}

std::optional<std::string> Parameters::find(std::string_view name) const {
  if (const Json* value = json(name); value != nullptr && !value->is_null()) {
    if (value->is_string()) return value->get_ref<const std::string&>();
    return std::string(member_text(body_text_, name));
  }
  const std::string* pair = find_pair(name);
  return pair == nullptr ? std::nullopt : std::optional<std::string>(*pair);
}

std::optional<std::string> Parameters::text(Names names) const {
  std::optional<std::string> empty;
  for (const std::string_view name : names) {
    auto found = find(name);
    if (found && !found->empty()) return found;
    if (!empty) empty = std::move(found);
  }
  return empty;
}

GivenNumber Parameters::number(Names names) const {
  for (const std::string_view name : names) {
    const Json* value = json(name);
    const bool is_json = value != nullptr && !value->is_null();
    if (is_json && !value->is_string()) return {true, whole_number(*value)};
    const std::string* written = is_json ? &value->get_ref<const std::string&>() : find_pair(name);
    const std::string_view text = written == nullptr ? std::string_view() : trimmed(*written);
    if (text.empty() || text == "null") continue;  // The second in a query string.
    return {true, whole_number(text)};
  }
  return {};
}

}  // namespace pinion::gateway
