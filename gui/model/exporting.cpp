#include "gui/model/exporting.hpp"

#include "cli/json_text.hpp"
#include "cli/text.hpp"
#include "common/base/text.hpp"
#include "gui/model/format.hpp"

#include <array>
#include <charconv>

namespace pinion::gui {
namespace {

/// Text as it is; other bytes in base64 behind a mark.
std::string field_of(std::string_view bytes) {
  return is_utf8(bytes) ? cli::csv_field(bytes) : "base64:" + base64_encode(bytes);
}

}  // namespace

std::string json_line_of(const RecordRow& row) {
  cli::RecordText text;
  text.topic = *row.topic;
  text.partition = PartitionIndex(row.partition);
  text.offset = Offset(row.offset);
  text.timestamp = Micros(row.timestamp);
  text.key = row.key();
  text.headers = row.headers();
  text.value = row.value_bytes();
  return cli::json_of(text) + "\n";
}

std::string json_line_of(const std::vector<std::string>& columns,
                         const std::vector<SqlValue>& row) {
  return cli::json_of(columns, row) + "\n";
}

std::string csv_titles() { return "topic,partition,offset,timestamp,key,headers,value\r\n"; }

std::string csv_line_of(const RecordRow& row) {
  std::string line = cli::csv_field(*row.topic);
  line += "," + std::to_string(row.partition) + "," + std::to_string(row.offset);
  line += "," + format_utc_time(Micros(row.timestamp)) + ",";
  if (const auto key = row.key()) line += field_of(*key);
  line += ",";
  if (const auto headers = row.headers()) line += field_of(*headers);
  return line + "," + field_of(row.value_bytes()) + "\r\n";
}

std::string csv_titles(const std::vector<std::string>& columns) {
  std::string line;
  for (const std::string& column : columns) {
    line += (line.empty() ? "" : ",") + cli::csv_field(column);
  }
  return line + "\r\n";
}

std::string csv_line_of(const std::vector<SqlValue>& row) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0) line += ",";
    line += cli::csv_field(text_of(row[i]));
  }
  return line + "\r\n";
}

std::string sqlite_command(std::string_view file, std::string_view sql) {
  const auto quoted = [](std::string_view text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
    return out + "'";
  };
  std::string uri = "file:";
  for (const char c : file) {
    if (c == '%' || c == '?' || c == '#') {
      uri += c == '%' ? "%25" : c == '?' ? "%3f" : "%23";
    } else {
      uri.push_back(c);
    }
  }
  return "sqlite3 " + quoted(uri + "?mode=ro") + " " + quoted(sql);
}

std::string text_of(const SqlValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* real = std::get_if<double>(&value)) {
    std::array<char, 32> out{};
    const auto [end, error] = std::to_chars(out.data(), out.data() + out.size(), *real);
    return error == std::errc() ? std::string(out.data(), end) : std::string();
  }
  if (const auto* blob = std::get_if<SqlBlob>(&value)) {
    if (is_utf8(blob->bytes)) return blob->bytes;
    return "base64:" + base64_encode(blob->bytes);
  }
  return {};
}

}  // namespace pinion::gui
