// One record in full: where it lies, when it was written, key, headers, and its value as a tree, as
// text or in hexadecimal. Beside every table of records. UI thread.
#pragma once

#include "gui/model/json.hpp"
#include "gui/model/payload.hpp"
#include "gui/model/record_log.hpp"
#include "gui/views/ui.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace pinion::gui {

struct RecordDetailState {
  // What is shown, copied out of the record, so that it stays when the record is dropped from view.
  std::optional<std::uint64_t> number{};
  std::string topic{};
  RecordRow row{};  ///< Its `body` and `topic` are not to be used.
  std::optional<std::string> key{};
  std::optional<std::string> headers{};
  std::string value{};
  PayloadKind kind = PayloadKind::empty;
  JsonNodes nodes{};  ///< Refers to `value`.
  std::string pretty{};
  std::unordered_set<std::uint32_t> closed{};
  std::vector<std::uint32_t> lines{};  ///< Nodes in sight, of the tree.
  int tab = 0;
};

void show_record(RecordDetailState& state, std::uint64_t number, const RecordRow& row);
void draw_record_detail(Ui& ui, const char* name, ImVec2 size, RecordDetailState& state);

/// A table of records and the record chosen in it: beside it, or below where that is too narrow,
/// and only when there is one. `footer`: what comes below both.
struct DetailLayout {
  ImVec2 table{};
  ImVec2 detail{};  ///< Nothing: none is shown.
  bool below = false;
};
[[nodiscard]] DetailLayout lay_out_detail(Ui& ui, bool shown, float share, float footer);
void draw_detail_beside(Ui& ui, const std::string& panel, const DetailLayout& room, float& share,
                        RecordDetailState& state);

/// "orders-2", in short of topic and partition.
[[nodiscard]] std::string partition_name(const std::string& topic, std::int32_t partition);

/// Bytes as rows of hexadecimal numbers and letters, as far as they are in sight.
void draw_hex(Ui& ui, const std::string& bytes);

}  // namespace pinion::gui
