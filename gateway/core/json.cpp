#include "gateway/core/json.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace pinion::gateway {
namespace {

/// Makes the tree as nlohmann's own parser would, and stops at the bounds.
class BoundedReader final : public nlohmann::json_sax<Json> {
 public:
  explicit BoundedReader(std::size_t values_max) : values_left_(values_max) {}

  bool null() override { return put(nullptr) != nullptr; }
  bool boolean(bool value) override { return put(value) != nullptr; }
  bool number_integer(number_integer_t value) override { return put(value) != nullptr; }
  bool number_unsigned(number_unsigned_t value) override { return put(value) != nullptr; }
  bool number_float(number_float_t value, const string_t&) override {
    return put(value) != nullptr;
  }
  bool string(string_t& value) override { return put(std::move(value)) != nullptr; }
  bool binary(binary_t&) override { return false; }  // Not in JSON.
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    key_ = std::move(name);
    return count();
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    return false;
  }

  Json root;
  std::string problem = "The body is not JSON";

 private:
  bool count() {
    if (values_left_-- > 0) return true;
    problem = "The body holds too many values";
    values_left_ = 0;
    return false;
  }
  Json* put(Json&& value) {
    if (!count()) return nullptr;
    if (open_.empty()) return &(root = std::move(value));
    Json& in = *open_.back();
    if (in.is_object()) return &(in[key_] = std::move(value));
    in.push_back(std::move(value));
    return &in.back();
  }
  bool open(Json&& value) {
    Json* const at = put(std::move(value));
    if (at == nullptr) return false;
    // Stays where it is: its array or object grows again only when this one is closed.
    open_.push_back(at);
    if (open_.size() <= json_depth_max) return true;
    problem = "The body is nested too deep";
    return false;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::size_t values_left_;
  std::vector<Json*> open_;
  std::string key_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::size_t values_max) {
  BoundedReader reader(values_max);
  if (!Json::sax_parse(text.begin(), text.end(), &reader)) {
    return failure(Errc::malformed, reader.problem);
  }
  return std::move(reader.root);
}

namespace {

void skip_white(std::string_view text, std::size_t& at) {
  at = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
}

/// Behind the string that begins at `at`.
void skip_string(std::string_view text, std::size_t& at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  at = std::min(at + 1, text.size());
}

/// Behind the value that begins at `at`.
void skip_value(std::string_view text, std::size_t& at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (depth == 0 && (c == ',' || c == '}' || c == ']')) return;
    if (c == '"') {
      skip_string(text, at);
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    ++at;
  }
}

bool is_name(std::string_view written, std::string_view name) {
  if (written.find('\\') == std::string_view::npos) {
    return written.substr(1, written.size() - 2) == name;
  }
  const auto read = parse_json(written);
  return read && read->get_ref<const std::string&>() == name;
}

}  // namespace

std::string_view member_text(std::string_view object, std::string_view name) {
  std::string_view found;
  for (std::size_t at = 1; at < object.size(); ++at) {  // Behind the brace, or a comma.
    skip_white(object, at);
    if (at >= object.size() || object[at] != '"') break;
    const std::size_t key = at;
    skip_string(object, at);
    const std::string_view written = object.substr(key, at - key);
    skip_white(object, at);
    ++at;  // The colon.
    skip_white(object, at);
    const std::size_t begin = at;
    skip_value(object, at);
    if (!is_name(written, name)) continue;
    found = object.substr(begin, at - begin);
    found = found.substr(0, found.find_last_not_of(" \t\r\n") + 1);
  }
  return found;
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
