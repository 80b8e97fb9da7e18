// Records as they were exported (a JSON object a line, see exporting.hpp), read back to be sent
// again: key, headers and value. Topic, partition, offset and time are the new log's. Pure.
#pragma once

#include "common/base/result.hpp"
#include "gui/model/producing.hpp"

#include <string_view>

namespace pinion::gui {

/// `malformed` says what is wrong with the line. The draft's topic and partition are left empty.
[[nodiscard]] Result<Draft> parse_exported_line(std::string_view line);

}  // namespace pinion::gui
