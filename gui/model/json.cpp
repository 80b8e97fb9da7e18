#include "gui/model/json.hpp"

#include <algorithm>
#include <charconv>

namespace pinion::gui {
namespace {

constexpr std::uint32_t depth_max = 64;
constexpr std::size_t nodes_max = 1'000'000;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  Parser(std::string_view text, JsonNodes* nodes) : text_(text), nodes_(nodes) {}

  bool parse() {
    skip_blanks();
    if (!value({}, 0)) return false;
    skip_blanks();
    return at_ == text_.size() || fail("nothing may follow the value");
  }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] const char* problem() const { return problem_; }

 private:
  bool fail(const char* problem) {
    if (problem_ == nullptr) problem_ = problem;
    return false;
  }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  std::size_t open_node(JsonType type, std::string_view name, std::uint32_t depth) {
    ++count_;
    if (nodes_ == nullptr) return 0;
    nodes_->push_back({type, name, {}, depth, 0, 0});
    return nodes_->size() - 1;
  }
  void close_node(std::size_t node, std::size_t begin, std::uint32_t children) {
    if (nodes_ == nullptr) return;
    JsonNode& it = (*nodes_)[node];
    it.raw = text_.substr(begin, at_ - begin);
    it.children = children;
    it.after = static_cast<std::uint32_t>(nodes_->size());
  }

  bool value(std::string_view name, std::uint32_t depth) {
    if (depth > depth_max) return fail("nested too deep");
    if (count_ >= nodes_max) return fail("too many values");
    const std::size_t begin = at_;
    switch (peek()) {
      case '{':
      case '[':
        return container(name, depth);
      case '"': {
        const std::size_t node = open_node(JsonType::text, name, depth);
        if (!string()) return false;
        close_node(node, begin, 0);
        return true;
      }
      case 't':
        return word("true", JsonType::boolean, name, depth);
      case 'f':
        return word("false", JsonType::boolean, name, depth);
      case 'n':
        return word("null", JsonType::null, name, depth);
      default:
        break;
    }
    if (peek() != '-' && !is_digit(peek())) {
      return fail(at_ == text_.size() ? "it ends where a value should be" : "no value begins so");
    }
    const std::size_t node = open_node(JsonType::number, name, depth);
    if (!number()) return false;
    close_node(node, begin, 0);
    return true;
  }

  bool container(std::string_view name, std::uint32_t depth) {
    const std::size_t begin = at_;
    const bool object = peek() == '{';
    const char end = object ? '}' : ']';
    const std::size_t node = open_node(object ? JsonType::object : JsonType::array, name, depth);
    ++at_;
    skip_blanks();
    std::uint32_t children = 0;
    while (peek() != end) {
      if (children > 0) {
        if (peek() != ',') return fail(object ? "',' or '}' is missing" : "',' or ']' is missing");
        ++at_;
        skip_blanks();
      }
      std::string_view member;
      if (object && !member_name(member)) return false;
      if (!value(member, depth + 1)) return false;
      ++children;
      skip_blanks();
    }
    ++at_;
    close_node(node, begin, children);
    return true;
  }

  bool member_name(std::string_view& name) {
    if (peek() != '"') return fail("a member's name in quotes is missing");
    const std::size_t begin = at_;
    if (!string()) return false;
    name = text_.substr(begin + 1, at_ - begin - 2);
    skip_blanks();
    if (peek() != ':') return fail("':' is missing");
    ++at_;
    skip_blanks();
    return true;
  }

  bool string() {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return fail("a control character inside a text");
      if (c != '\\') {
        ++at_;
        continue;
      }
      ++at_;
      if (peek() == 'u') {
        for (int i = 1; i <= 4; ++i) {
          ++at_;
          const char digit = peek();
          if (!is_digit(digit) && (digit < 'a' || digit > 'f') && (digit < 'A' || digit > 'F')) {
            return fail("\\u needs four hexadecimal digits");
          }
        }
      } else if (std::string_view("\"\\/bfnrt").find(peek()) == std::string_view::npos ||
                 at_ >= text_.size()) {
        return fail("no such escape");
      }
      ++at_;
    }
    return fail("a text does not end");
  }

  bool digits() {
    if (!is_digit(peek())) return fail("a digit is missing");
    while (is_digit(peek())) ++at_;
    return true;
  }
  bool number() {
    if (peek() == '-') ++at_;
    if (peek() == '0') {
      ++at_;
    } else if (!digits()) {
      return false;
    }
    if (peek() == '.') {
      ++at_;
      if (!digits()) return false;
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) return false;
    }
    return true;
  }
  bool word(std::string_view expected, JsonType type, std::string_view name, std::uint32_t depth) {
    if (text_.substr(at_, expected.size()) != expected) return fail("no value begins so");
    const std::size_t begin = at_;
    const std::size_t node = open_node(type, name, depth);
    at_ += expected.size();
    close_node(node, begin, 0);
    return true;
  }

  std::string_view text_;
  JsonNodes* nodes_;
  std::size_t at_ = 0;
  std::size_t count_ = 0;
  const char* problem_ = nullptr;
};

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (code >> 6)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (code >> 12)));
    out.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | (code >> 18)));
    out.push_back(static_cast<char>(0x80 | ((code >> 12) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  }
}

std::uint32_t hex4(std::string_view digits) {
  std::uint32_t code = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
  return code;
}

std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 >= text.size()) {
      out.push_back(text[i]);
      continue;
    }
    const char c = text[++i];
    if (c == 'u' && i + 4 < text.size()) {
      std::uint32_t code = hex4(text.substr(i + 1, 4));
      i += 4;
      const bool high = code >= 0xD800 && code < 0xDC00;
      if (high && i + 6 < text.size() && text[i + 1] == '\\' && text[i + 2] == 'u') {
        const std::uint32_t low = hex4(text.substr(i + 3, 4));
        if (low >= 0xDC00 && low < 0xE000) {
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
          i += 6;
        }
      }
      append_utf8(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
      continue;
    }
    static constexpr std::string_view letters = "bfnrt";
    static constexpr std::string_view meant = "\b\f\n\r\t";
    const std::size_t at = letters.find(c);
    out.push_back(at == std::string_view::npos ? c : meant[at]);
  }
  return out;
}

bool is_named(const JsonNode& node, std::string_view name) {
  if (node.name.find('\\') == std::string_view::npos) return node.name == name;
  return unescape(node.name) == name;
}

/// A name that needs no quotes in a path.
bool is_simple(std::string_view name) {
  return !name.empty() && std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' ||
           std::string_view(".[]\"\\,=!<>~").find(c) != std::string_view::npos;
  });
}

/// What stands in brackets: an index, or a name in quotes.
Result<JsonStep> parse_brackets(std::string_view inside) {
  if (inside.size() >= 2 && inside.front() == '"' && inside.back() == '"') {
    return JsonStep{unescape(inside.substr(1, inside.size() - 2)), {}};
  }
  std::uint32_t index = 0;
  const char* end = inside.data() + inside.size();
  const auto [last, error] = std::from_chars(inside.data(), end, index);
  if (inside.empty() || error != std::errc() || last != end) {
    return failure(Errc::invalid_argument,
                   "in brackets is a number, as in [0], or a name in quotes, as in [\"a.b\"]");
  }
  return JsonStep{{}, index};
}

}  // namespace

Result<JsonNodes> parse_json(std::string_view text) {
  JsonNodes nodes;
  Parser parser(text, &nodes);
  if (parser.parse()) return nodes;
  const std::string_view before = text.substr(0, parser.at());
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0.
  return failure(Errc::malformed, "line " + std::to_string(line) + ", column " +
                                      std::to_string(before.size() - line_begin + 1) + ": " +
                                      parser.problem());
}

bool looks_like_json(std::string_view text) {
  const auto begin = std::find_if_not(text.begin(), text.end(), is_blank);
  if (begin == text.end() || (*begin != '{' && *begin != '[')) return false;
  return Parser(text, nullptr).parse();
}

std::string json_plain(const JsonNode& node) {
  if (node.type != JsonType::text || node.raw.size() < 2) return std::string(node.raw);
  return unescape(node.raw.substr(1, node.raw.size() - 2));
}

std::string json_name(const JsonNode& node) { return unescape(node.name); }

std::size_t json_brackets_end(std::string_view text) {
  if (!text.starts_with("[\"")) {
    const std::size_t end = text.find(']');
    return end == std::string_view::npos ? 0 : end + 1;
  }
  for (std::size_t i = 2; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return text.substr(i + 1).starts_with(']') ? i + 2 : 0;
    }
  }
  return 0;
}

Result<std::vector<JsonStep>> parse_json_path(std::string_view path) {
  std::vector<JsonStep> steps;
  if (!path.empty() && path.front() == '$') path.remove_prefix(1);
  while (!path.empty()) {
    // ".[" is a way to write "[", which at the front of a text alone looks like no path.
    if (steps.empty() && path.starts_with(".[")) path.remove_prefix(1);
    if (path.front() == '[') {
      const std::size_t end = json_brackets_end(path);
      if (end == 0) return failure(Errc::invalid_argument, "a bracket has no second one");
      PINION_TRY(step, parse_brackets(path.substr(1, end - 2)));
      steps.push_back(std::move(step));
      path.remove_prefix(end);
      continue;
    }
    if (path.front() == '.') {
      path.remove_prefix(1);
    } else if (!steps.empty()) {
      return failure(Errc::invalid_argument, "a '.' is missing, as in .user.name");
    }
    const std::string_view name = path.substr(0, path.find_first_of(".["));
    if (name.empty()) {
      return failure(Errc::invalid_argument, "a name is missing, as in .user.name");
    }
    steps.push_back({std::string(name), {}});
    path.remove_prefix(name.size());
  }
  if (steps.empty()) return failure(Errc::invalid_argument, "the path is empty; try .user.name");
  return steps;
}

const JsonNode* find_json(const JsonNodes& nodes, const std::vector<JsonStep>& path) {
  if (nodes.empty()) return nullptr;
  std::size_t at = 0;
  for (const JsonStep& step : path) {
    const JsonNode& node = nodes[at];
    const JsonType wanted = step.index ? JsonType::array : JsonType::object;
    if (node.type != wanted) return nullptr;
    std::size_t child = at + 1;
    std::uint32_t number = 0;
    while (child < node.after) {
      if (step.index ? number == *step.index : is_named(nodes[child], step.name)) break;
      child = nodes[child].after;
      ++number;
    }
    if (child >= node.after) return nullptr;
    at = child;
  }
  return &nodes[at];
}

std::string json_path_of(const JsonNodes& nodes, std::size_t index) {
  std::string path = "$";
  std::size_t at = 0;
  while (at != index && at < nodes.size()) {
    const JsonNode& node = nodes[at];
    std::size_t child = at + 1;
    std::uint32_t number = 0;
    while (child < node.after && nodes[child].after <= index) {
      child = nodes[child].after;
      ++number;
    }
    if (child >= node.after) break;
    if (node.type == JsonType::array) {
      path += "[" + std::to_string(number) + "]";
    } else if (is_simple(nodes[child].name)) {
      path += "." + std::string(nodes[child].name);
    } else {
      path += "[\"" + std::string(nodes[child].name) + "\"]";
    }
    at = child;
  }
  return path;
}

std::optional<std::string> pretty_json(std::string_view text) {
  const auto nodes = parse_json(text);
  if (!nodes) return std::nullopt;
  std::string out;
  std::vector<std::size_t> open;  // Containers that are not closed yet.
  const auto close_until = [&](std::size_t index) {
    while (!open.empty() && (*nodes)[open.back()].after <= index) {
      const JsonNode& node = (*nodes)[open.back()];
      open.pop_back();
      out += "\n" + std::string(2 * open.size(), ' ');
      out.push_back(node.type == JsonType::object ? '}' : ']');
    }
  };
  for (std::size_t i = 0; i < nodes->size(); ++i) {
    const JsonNode& node = (*nodes)[i];
    close_until(i);
    if (!open.empty()) {
      const bool first = open.back() + 1 == i;
      out += first ? "\n" : ",\n";
      out += std::string(2 * open.size(), ' ');
      if ((*nodes)[open.back()].type == JsonType::object) {
        out += "\"" + std::string(node.name) + "\": ";
      }
    }
    const bool container = node.type == JsonType::object || node.type == JsonType::array;
    if (!container || node.children == 0) {
      out += container ? (node.type == JsonType::object ? "{}" : "[]") : std::string(node.raw);
      continue;
    }
    out.push_back(node.type == JsonType::object ? '{' : '[');
    open.push_back(i);
  }
  close_until(nodes->size());
  return out;
}

}  // namespace pinion::gui
