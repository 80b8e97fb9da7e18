#include "gui/model/settings.hpp"

#include "common/base/text.hpp"
#include "common/proto/record_headers.hpp"
#include "gui/model/json.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

namespace pinion::gui {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

/// A value is a JSON value: texts may hold anything.
std::optional<std::string> text_of(const JsonNodes& nodes) {
  if (nodes.empty() || nodes.front().type != JsonType::text) return std::nullopt;
  return json_plain(nodes.front());
}

template <typename Number>
void read_number(const JsonNodes& nodes, Number& number, Number low, Number high) {
  if (nodes.empty() || nodes.front().type != JsonType::number) return;
  const std::string_view raw = nodes.front().raw;
  Number value{};
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  if (error == std::errc() && end == raw.data() + raw.size() && value >= low && value <= high) {
    number = value;
  }
}

void read_list(const JsonNodes& nodes, std::vector<std::string>& list, std::size_t size_max) {
  if (nodes.empty() || nodes.front().type != JsonType::array) return;
  for (std::size_t i = 1; i < nodes.size() && list.size() < size_max; i = nodes[i].after) {
    if (nodes[i].type == JsonType::text) list.push_back(json_plain(nodes[i]));
  }
}

std::string member(const JsonNodes& nodes, std::size_t node, std::string_view name) {
  for (std::size_t i = node + 1; i < nodes[node].after; i = nodes[i].after) {
    if (nodes[i].name == name) return json_plain(nodes[i]);
  }
  return {};
}

/// Bytes that are no text stand in base64, and a second member says so.
std::string member_bytes(const JsonNodes& nodes, const std::string& name) {
  std::string text = member(nodes, 0, name);
  if (member(nodes, 0, name + "_encoding") != "base64") return text;
  return base64_decode(text).value_or("");
}

std::vector<RecordHeader> headers_of(const JsonNodes& nodes, std::size_t at) {
  std::vector<RecordHeader> headers;
  if (nodes[at].type == JsonType::array) {
    if (auto parsed = parse_record_headers(nodes[at].raw)) headers = std::move(*parsed);
  } else if (nodes[at].type == JsonType::object) {  // As they were written once.
    for (std::size_t i = at + 1; i < nodes[at].after; i = nodes[i].after) {
      headers.push_back({json_name(nodes[i]), json_plain(nodes[i])});
    }
  }
  return headers;
}

/// False: it is none, or there are too many.
bool read_draft(const JsonNodes& nodes, Drafts& drafts) {
  if (nodes.empty() || nodes.front().type != JsonType::object) return false;
  if (drafts.size() >= drafts_read_max) return false;
  NamedDraft named;
  named.name = member(nodes, 0, "name");
  named.draft.topic = member(nodes, 0, "topic");
  named.draft.value = member_bytes(nodes, "value");
  for (std::size_t i = 1; i < nodes.size(); i = nodes[i].after) {
    if (nodes[i].name == "key") named.draft.key = member_bytes(nodes, "key");
    if (nodes[i].name == "headers") named.draft.headers = headers_of(nodes, i);
    if (nodes[i].name == "exact") named.draft.exact = nodes[i].raw == "true";
    if (nodes[i].name != "partition") continue;
    std::int32_t partition = -1;
    read_number({nodes[i]}, partition, 0, INT32_MAX);
    if (partition >= 0) named.draft.partition = partition;
  }
  if (named.name.empty()) return false;
  drafts.push_back(std::make_shared<const NamedDraft>(std::move(named)));
  return true;
}

void read_table(const JsonNodes& nodes, Settings& settings) {
  if (nodes.empty() || nodes.front().type != JsonType::object) return;
  const std::string name = member(nodes, 0, "name");
  if (name.empty() || settings.tables.size() >= tables_max) return;
  TableLayout table;
  for (std::size_t i = 1; i < nodes.size(); i = nodes[i].after) {
    if (nodes[i].name == "sort") read_number({nodes[i]}, table.sort, -1, 1'000);
    if (nodes[i].name == "descending") table.descending = nodes[i].raw == "true";
    if (nodes[i].name != "widths" || nodes[i].type != JsonType::array) continue;
    std::string column;  // Each name is followed by its width.
    for (std::size_t k = i + 1; k < nodes[i].after; k = nodes[k].after) {
      if (nodes[k].type == JsonType::text) {
        column = json_plain(nodes[k]);
      } else if (!column.empty() && table.widths.size() < widths_max) {
        float& width = table.widths[std::exchange(column, {})];
        width = 100;
        read_number({nodes[k]}, width, 20.0F, 4'000.0F);
      }
    }
  }
  settings.tables[name] = std::move(table);
}

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, is_utf8(text) ? text : std::string_view());
  return out;
}

std::string list_text(const std::vector<std::string>& list) {
  std::string out = "[";
  for (const std::string& one : list) out += (out.size() > 1 ? ", " : "") + quoted(one);
  return out + "]";
}

std::string bytes_text(const std::string& name, const std::string& bytes) {
  if (is_utf8(bytes)) return ", \"" + name + "\": " + quoted(bytes);
  return ", \"" + name + "\": " + quoted(base64_encode(bytes)) + ", \"" + name +
         "_encoding\": \"base64\"";
}

std::string draft_text(const NamedDraft& named) {
  const Draft& draft = named.draft;
  std::string out = "{\"name\": " + quoted(named.name) + ", \"topic\": " + quoted(draft.topic);
  if (draft.partition) out += ", \"partition\": " + std::to_string(*draft.partition);
  if (draft.exact) out += ", \"exact\": true";
  if (draft.key) out += bytes_text("key", *draft.key);
  std::vector<RecordHeader> headers = draft.headers;
  std::erase_if(headers, [](const RecordHeader& one) { return one.name.empty(); });
  const auto text = build_record_headers(headers);
  if (text && !headers.empty()) out += ", \"headers\": " + *text;
  return out + bytes_text("value", draft.value) + "}";
}

std::string table_text(const std::string& name, const TableLayout& table) {
  std::string out = "{\"name\": " + quoted(name) + ", \"sort\": " + std::to_string(table.sort) +
                    ", \"descending\": " + (table.descending ? "true" : "false") +
                    ", \"widths\": [";
  bool first = true;
  for (const auto& [column, width] : table.widths) {
    out += (first ? "" : ", ") + quoted(column) + ", " +
           std::to_string(static_cast<int>(width + 0.5F));
    first = false;
  }
  return out + "]}";
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = trimmed(text.substr(0, end));
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// A record may have been saved twice: each counts.
using Texts = std::multiset<std::string>;

Texts texts_of(const Drafts& drafts) {
  Texts texts;
  for (const auto& one : drafts) texts.insert(draft_text(*one));
  return texts;
}

/// True: one of them was there.
bool take(Texts& texts, const std::string& text) {
  const auto at = texts.find(text);
  if (at == texts.end()) return false;
  texts.erase(at);
  return true;
}

}  // namespace

ParsedSettings parse_settings(std::string_view text) {
  ParsedSettings read;
  Settings& settings = read.settings;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t equal = line.find('=');
    const std::string_view name = trimmed(line.substr(0, equal));
    const auto nodes = parse_json(
        equal == std::string_view::npos ? std::string_view() : trimmed(line.substr(equal + 1)));
    if (!nodes) {
      read.whole = false;
      continue;
    }
    std::int64_t period = settings.period / 1s;
    if (name == "recent") read_list(*nodes, settings.recent, recent_max);
    if (name == "open") read_list(*nodes, settings.open, recent_max);
    if (name == "topics") read_list(*nodes, settings.topics, 100);
    if (name == "sql") read_list(*nodes, settings.sql, sql_history_max);
    if (name == "filters") read_list(*nodes, settings.filters, sql_history_max);
    if (name == "favourites") read_list(*nodes, settings.favourites, favourites_max);
    if (name == "dark" && !nodes->empty()) settings.dark = nodes->front().raw == "true";
    if (name == "scale") read_number(*nodes, settings.scale, 0.5F, 3.0F);
    if (name == "window_width") read_number(*nodes, settings.window_width, 400, 16'000);
    if (name == "window_height") read_number(*nodes, settings.window_height, 300, 16'000);
    if (name == "panel") settings.panel = text_of(*nodes).value_or(settings.panel);
    if (name == "reader") settings.reader = text_of(*nodes).value_or("");
    if (name == "columns") settings.columns = text_of(*nodes).value_or("");
    if (name == "topic") settings.topic = text_of(*nodes).value_or("");
    if (name == "period_s") read_number<std::int64_t>(*nodes, period, 1, 86'400);
    if (name == "detail_share") read_number(*nodes, settings.detail_share, 0.15F, 0.8F);
    if (name == "produce_share") read_number(*nodes, settings.produce_share, 0.15F, 0.85F);
    if (name == "cluster_tab") read_number(*nodes, settings.cluster_tab, 0, 5);
    if (name == "browse_topic") settings.browse_topic = text_of(*nodes).value_or("");
    if (name == "sql_topic") settings.sql_topic = text_of(*nodes).value_or("");
    if (name == "filter") settings.filter = text_of(*nodes).value_or("");
    if (name == "table") read_table(*nodes, settings);
    if (name == "draft" && !read_draft(*nodes, settings.drafts)) read.whole = false;
    settings.period = Micros(period * 1'000'000);
  }
  return read;
}

std::string write_settings(const Settings& settings) {
  std::string out = "# What pinion-dashboard remembers. One name and JSON value a line.\n";
  const auto put = [&](std::string_view name, const std::string& value) {
    out += std::string(name) + " = " + value + "\n";
  };
  put("recent", list_text(settings.recent));
  put("open", list_text(settings.open));
  put("dark", settings.dark ? "true" : "false");
  put("scale", std::to_string(settings.scale));
  put("window_width", std::to_string(settings.window_width));
  put("window_height", std::to_string(settings.window_height));
  put("panel", quoted(settings.panel));
  put("reader", quoted(settings.reader));
  put("topics", list_text(settings.topics));
  put("period_s", std::to_string(settings.period / 1s));
  put("columns", quoted(settings.columns));
  put("topic", quoted(settings.topic));
  put("detail_share", std::to_string(settings.detail_share));
  put("produce_share", std::to_string(settings.produce_share));
  put("cluster_tab", std::to_string(settings.cluster_tab));
  put("browse_topic", quoted(settings.browse_topic));
  put("sql_topic", quoted(settings.sql_topic));
  put("filter", quoted(settings.filter));
  put("sql", list_text(settings.sql));
  put("filters", list_text(settings.filters));
  put("favourites", list_text(settings.favourites));
  for (const auto& [name, table] : settings.tables) put("table", table_text(name, table));
  return out;
}

std::string write_drafts(const Drafts& drafts) {
  std::string out = "# Records that were saved in pinion-dashboard, one a line.\n";
  for (const auto& draft : drafts) out += "draft = " + draft_text(*draft) + "\n";
  return out;
}

ReadDrafts parse_drafts(std::string_view text) {
  ReadDrafts read;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t equal = line.find('=');
    const bool is_draft = trimmed(line.substr(0, equal)) == "draft";
    if (equal == std::string_view::npos || !is_draft) {
      read.whole = false;
      continue;
    }
    const auto nodes = parse_json(trimmed(line.substr(equal + 1)));
    if (!nodes || !read_draft(*nodes, read.drafts)) read.whole = false;
  }
  return read;
}

Drafts merge_drafts(const Drafts& before, const Drafts& after, const Drafts& there) {
  Texts removed = texts_of(before);
  Drafts added;
  for (const auto& one : after) {
    if (!take(removed, draft_text(*one))) added.push_back(one);
  }
  Texts known = texts_of(before);
  Texts theirs;  // What another dashboard put there.
  Drafts merged;
  for (const auto& one : there) {
    const std::string text = draft_text(*one);
    if (!take(known, text)) theirs.insert(text);
    if (!take(removed, text)) merged.push_back(one);
  }
  // One that another put there was among the settings of both once, and moved from there by both.
  for (const auto& one : added) {
    if (!take(theirs, draft_text(*one))) merged.push_back(one);
  }
  return merged;
}

void remember(std::vector<std::string>& list, const std::string& value, std::size_t size_max) {
  if (value.size() > remembered_bytes_max) return;
  list.erase(std::remove(list.begin(), list.end(), value), list.end());
  list.insert(list.begin(), value);
  if (list.size() > size_max) list.resize(size_max);
}

}  // namespace pinion::gui
