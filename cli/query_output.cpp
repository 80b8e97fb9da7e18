#include "cli/query_output.hpp"

#include "cli/json_text.hpp"
#include "cli/text.hpp"
#include "common/base/text.hpp"

#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pinion::cli {
namespace {

/// Of a table's column: a value of a megabyte would make every row as long.
constexpr std::size_t column_width_max = 200;

std::string hex_of(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

/// The shortest text that reads back as the same number.
std::string text_of_real(double real) {
  std::array<char, 64> text{};
  for (const int digits : {15, 17}) {
    std::snprintf(text.data(), text.size(), "%.*g", digits, real);
    double back = 0;
    if (std::sscanf(text.data(), "%lf", &back) == 1 && back == real) break;
  }
  return text.data();
}

/// Bytes are shown as text when they are text, else as SQL writes them: x'00ff'.
std::string text_of(const SqlValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* real = std::get_if<double>(&value)) return text_of_real(*real);
  if (const auto* text = std::get_if<std::string>(&value)) {
    // A record that is no text is one all the same to `readable`.
    return is_utf8(*text) ? *text : "x'" + hex_of(*text) + "'";
  }
  if (const auto* blob = std::get_if<SqlBlob>(&value)) {
    return is_utf8(blob->bytes) ? blob->bytes : "x'" + hex_of(blob->bytes) + "'";
  }
  return {};
}

/// A control character would tear the table apart.
std::string cell_of(const SqlValue& value) {
  std::string text = text_of(value);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

class TableOutput : public QueryOutput {
 public:
  explicit TableOutput(Output& out) : out_(&out) {}
  void add(const QueryReply& reply) override {
    if (!table_) table_.emplace(reply.columns, column_width_max);
    for (const auto& row : reply.rows) {
      std::vector<std::string> cells;
      cells.reserve(row.size());
      for (const SqlValue& value : row) cells.push_back(cell_of(value));
      table_->add(std::move(cells));
    }
  }
  void finish() override {
    if (table_) table_->print([this](std::string_view line) { out_->line(line); });
  }
  [[nodiscard]] bool cut() const override { return table_ && table_->cut(); }

 private:
  Output* out_;
  std::optional<Table> table_;
};

class CsvOutput : public QueryOutput {
 public:
  explicit CsvOutput(Output& out) : out_(&out) {}
  void add(const QueryReply& reply) override {
    std::string line;
    if (!std::exchange(titled_, true)) {
      for (const std::string& column : reply.columns) {
        line += (line.empty() ? "" : ",") + csv_field(column);
      }
      out_->line(line);
    }
    for (const auto& row : reply.rows) {
      line.clear();
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (i > 0) line += ',';
        line += csv_field(text_of(row[i]));
      }
      out_->line(line);
    }
  }
  void finish() override {}

 private:
  Output* out_;
  bool titled_ = false;
};

class JsonOutput : public QueryOutput {
 public:
  explicit JsonOutput(Output& out) : out_(&out) {}
  void add(const QueryReply& reply) override {
    if (!std::exchange(open_, true)) out_->write("[");
    for (const auto& row : reply.rows) {
      if (std::exchange(has_rows_, true)) out_->write(",\n");
      out_->write(json_of(reply.columns, row));
    }
  }
  void finish() override {
    if (open_) out_->write("]\n");
  }

 private:
  Output* out_;
  bool open_ = false;
  bool has_rows_ = false;
};

}  // namespace

std::unique_ptr<QueryOutput> make_query_output(QueryFormat format, Output& out) {
  if (format == QueryFormat::json) return std::make_unique<JsonOutput>(out);
  if (format == QueryFormat::csv) return std::make_unique<CsvOutput>(out);
  return std::make_unique<TableOutput>(out);
}

}  // namespace pinion::cli
