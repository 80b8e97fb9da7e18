#include "common/config/toml_table.hpp"

// Errors as values, as everywhere else.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <utility>

namespace pinion {
namespace {

constexpr std::array<std::pair<std::string_view, LogLevel>, 5> level_names = {{
    {"debug", LogLevel::debug},
    {"info", LogLevel::info},
    {"warn", LogLevel::warn},
    {"error", LogLevel::error},
    {"off", LogLevel::off},
}};

/// Every value's dotted key and place, tables gone through.
void list_keys(const toml::table& table, const std::string& prefix,
               std::vector<std::pair<std::string, std::uint32_t>>& out) {
  for (const auto& [key, node] : table) {
    std::string name = prefix + std::string(key.str());
    if (const toml::table* inner = node.as_table(); inner != nullptr && !inner->empty()) {
      list_keys(*inner, name + ".", out);
    } else {
      out.emplace_back(std::move(name), key.source().begin.line);
    }
  }
}

/// The line of the first character that is not ASCII and has no # before it on its line, or 0.
///
/// toml++ 3.3 runs into undefined behaviour when it meets such a character in an unquoted value
/// (found by fuzzing), and what it takes for unquoted cannot be told without parsing. Behind a # a
/// character is in a comment or in quotes.
std::uint32_t line_of_stray_character(std::string_view text) {
  std::uint32_t line = 1;
  bool is_free = false;
  for (const char c : text) {
    if (c == '\n') {
      ++line;
      is_free = false;
    } else if (c == '#') {
      is_free = true;
    } else if (static_cast<unsigned char>(c) > 0x7F && !is_free) {
      return line;
    }
  }
  return 0;
}

}  // namespace

struct TomlTable::Inside {
  toml::table table;
  std::string source;
  std::vector<std::string> asked;
  std::optional<Error> problem;

  [[nodiscard]] const toml::node* find(std::string_view key) const {
    return table.at_path(key).node();
  }
  [[nodiscard]] Error error_at(std::uint32_t line, std::string_view key,
                               std::string_view why) const {
    std::string detail = source;
    if (line != 0) detail += ":" + std::to_string(line);
    detail += ": " + printable(key, 200) + " " + std::string(why);
    return fail(Errc::config_invalid, std::move(detail));
  }
  void note(const toml::node& node, std::string_view key, const std::string& why) {
    if (!problem) problem = error_at(node.source().begin.line, key, why);
  }
  /// The key's node, when it is there; every key asked for becomes a known one.
  const toml::node* ask(std::string_view key) {
    asked.emplace_back(key);
    return find(key);
  }

  template <typename T>
  void read_number(std::string_view key, T& value) {
    const toml::node* node = ask(key);
    if (node == nullptr) return;
    const toml::value<std::int64_t>* number = node->as_integer();
    if (number == nullptr) return note(*node, key, "must be a whole number");
    const std::int64_t got = number->get();
    if (got < 0 && std::is_unsigned_v<T>) return note(*node, key, "must not be negative");
    if (!std::in_range<T>(got)) {
      return note(*node, key, "is " + std::to_string(got) + ", which is out of range");
    }
    value = static_cast<T>(got);
  }
};

TomlTable::TomlTable(std::unique_ptr<Inside> inside) noexcept : inside_(std::move(inside)) {}
TomlTable::TomlTable(TomlTable&&) noexcept = default;
TomlTable::~TomlTable() = default;

Result<TomlTable> TomlTable::parse(std::string_view text, const std::string& source) {
  if (const std::uint32_t line = line_of_stray_character(text); line != 0) {
    return failure(Errc::config_invalid,
                   source + ":" + std::to_string(line) +
                       ": a character that is not ASCII; in quotes write it as \\u00e9");
  }
  toml::parse_result parsed = toml::parse(text, source);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return failure(Errc::config_invalid,
                   source + ":" + std::to_string(error.source().begin.line) + ": " +
                       printable(error.description(), limits::error_detail_bytes_max));
  }
  auto inside = std::make_unique<Inside>();
  inside->table = std::move(parsed).table();
  inside->source = source;
  return TomlTable(std::move(inside));
}

Result<TomlTable> TomlTable::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(limits::config_file_bytes_max + 1, '\0');
  const int open_errno = file.is_open() ? 0 : errno;
  errno = 0;
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) {
    const int why = open_errno != 0 ? open_errno : errno;
    return failure(Errc::io_failed, "cannot read the configuration file '" + path + "': " +
                                        (why != 0 ? std::strerror(why) : "reading it failed") +
                                        "; name a file that can be read");
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > limits::config_file_bytes_max) {
    return failure(Errc::config_invalid, path + ": is larger than 1 MiB");
  }
  return parse(text, path);
}

void TomlTable::read(std::string_view key, std::int32_t& value) {
  inside_->read_number(key, value);
}
void TomlTable::read(std::string_view key, std::uint32_t& value) {
  inside_->read_number(key, value);
}
void TomlTable::read(std::string_view key, std::uint64_t& value) {
  inside_->read_number(key, value);
}

void TomlTable::read(std::string_view key, std::string& value) {
  const toml::node* node = inside_->ask(key);
  if (node == nullptr) return;
  const toml::value<std::string>* text = node->as_string();
  if (text == nullptr) return inside_->note(*node, key, "must be text, in quotes");
  value = text->get();
}

void TomlTable::read(std::string_view key, std::vector<std::string>& value) {
  const toml::node* node = inside_->ask(key);
  if (node == nullptr) return;
  const toml::array* array = node->as_array();
  if (array == nullptr) return inside_->note(*node, key, "must be a list of texts: [\"a\", \"b\"]");
  std::vector<std::string> texts;
  for (const toml::node& element : *array) {
    const toml::value<std::string>* text = element.as_string();
    if (text == nullptr)
      return inside_->note(element, key, "must hold nothing but texts, in quotes");
    texts.push_back(text->get());
  }
  value = std::move(texts);
}

void TomlTable::read(std::string_view key, LogLevel& value) {
  std::string name;
  read(key, name);
  const toml::node* node = inside_->find(key);
  if (node == nullptr || !node->is_string()) return;
  for (const auto& [known, level] : level_names) {
    if (known == name) {
      value = level;
      return;
    }
  }
  inside_->note(*node, key, "must be \"debug\", \"info\", \"warn\", \"error\" or \"off\"");
}

void TomlTable::read_log(LogConfig& log) {
  read("log.level", log.level);
  read("log.file", log.file);
  read("log.file_mib_max", log.file_mib_max);
  read("log.files_kept", log.files_kept);
}

std::string TomlTable::place_of(std::string_view key) const {
  const toml::node* node = inside_->find(key);
  if (node == nullptr) return {};
  return inside_->source + ":" + std::to_string(node->source().begin.line) + ": " +
         std::string(key);
}

bool TomlTable::has(std::string_view key) const { return inside_->find(key) != nullptr; }

Result<void> TomlTable::finish() const {
  std::vector<std::pair<std::string, std::uint32_t>> keys;
  list_keys(inside_->table, "", keys);
  std::stable_sort(keys.begin(), keys.end(),
                   [](const auto& a, const auto& b) { return a.second < b.second; });
  for (const auto& [key, line] : keys) {
    const auto& asked = inside_->asked;
    const bool is_section = std::any_of(asked.begin(), asked.end(), [&key = key](const auto& name) {
      return name.starts_with(key + ".");
    });
    if (is_section) {
      return failure(inside_->error_at(line, key, "must be a section: [" + key + "]"));
    }
    if (std::find(asked.begin(), asked.end(), key) == asked.end()) {
      return failure(inside_->error_at(line, key, "is not a key of this file"));
    }
  }
  if (inside_->problem) return failure(*inside_->problem);
  return {};
}

Error TomlTable::describe(const ConfigFault& fault) const {
  const toml::node* node = inside_->find(fault.key);
  if (node == nullptr && !fault.partner.empty()) node = inside_->find(fault.partner);
  return inside_->error_at(node != nullptr ? node->source().begin.line : 0, fault.key, fault.why);
}

const std::vector<std::string>& TomlTable::asked() const noexcept { return inside_->asked; }

}  // namespace pinion
