// Exporting: records and query results as JSON Lines or CSV, a line at a time. Pure.
#pragma once

#include "common/proto/messages.hpp"
#include "gui/model/commands.hpp"
#include "gui/model/record_log.hpp"

#include <string>
#include <vector>

namespace pinion::gui {

/// With its newline. Bytes that are no text stand as base64 and are marked so, as in `pinion
/// consume
/// --json`.
[[nodiscard]] std::string json_line_of(const RecordRow& row);
[[nodiscard]] std::string json_line_of(const std::vector<std::string>& columns,
                                       const std::vector<SqlValue>& row);

[[nodiscard]] std::string csv_titles();
[[nodiscard]] std::string csv_line_of(const RecordRow& row);
[[nodiscard]] std::string csv_titles(const std::vector<std::string>& columns);
[[nodiscard]] std::string csv_line_of(const std::vector<SqlValue>& row);

/// A value of a query's result, as it is shown in a cell; "" for NULL.
[[nodiscard]] std::string text_of(const SqlValue& value);

/// For a shell: the statement over a partition's file, which is only read.
[[nodiscard]] std::string sqlite_command(std::string_view file, std::string_view sql);

}  // namespace pinion::gui
