// Settings: what the dashboard remembers between its runs. A small text file, a "name = value" a
// line, so that a person can read and mend it; unknown names and bad values are passed over. Pure:
// reading and writing the file is the application's.
#pragma once

#include "common/base/time.hpp"
#include "gui/model/producing.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::gui {

inline constexpr std::size_t recent_max = 12;
inline constexpr std::size_t sql_history_max = 50;
inline constexpr std::size_t drafts_max = 30;
/// Of a file, in which those of several dashboards may be.
inline constexpr std::size_t drafts_read_max = 1'000;
inline constexpr std::size_t favourites_max = 200;
inline constexpr std::size_t tables_max = 40;
inline constexpr std::size_t widths_max = 100;  ///< Of a table.

struct NamedDraft {
  std::string name{};
  Draft draft{};
};
/// Never changed, so that drafts of many MiB are compared and passed on as pointers.
using Drafts = std::vector<std::shared_ptr<const NamedDraft>>;

/// How a person left a table.
struct TableLayout {
  int sort = -1;  ///< The column.
  bool descending = false;
  std::map<std::string, float> widths{};  ///< Of columns that were dragged, at scale 1.
  bool operator==(const TableLayout&) const = default;
};

struct Settings {
  std::vector<std::string> recent{};  ///< Brokers, the last used first.
  std::vector<std::string> open{};    ///< Tabs that were open.
  bool dark = true;
  float scale = 1.0F;  ///< On top of the display's.
  int window_width = 1440;
  int window_height = 900;
  std::string panel = "cluster";
  std::string reader{};               ///< The consumer's name; empty: one is made of user and host.
  std::vector<std::string> topics{};  ///< The consumer's.
  Micros period = 30s;
  std::string topic{};          ///< The producer's.
  float detail_share = 0.38F;   ///< Of the width, beside tables of records.
  float produce_share = 0.42F;  ///< Of the width, for the form.
  int cluster_tab = 0;
  std::string browse_topic{};
  std::string sql_topic{};
  std::string filter{};  ///< The consumer's.
  std::map<std::string, TableLayout> tables{};
  std::string columns{};                  ///< JSON paths that are columns of the consumer's table.
  std::vector<std::string> sql{};         ///< The last first.
  std::vector<std::string> filters{};     ///< Saved, the last first.
  std::vector<std::string> favourites{};  ///< Topics that stand first.
  Drafts drafts{};
};

struct ParsedSettings {
  Settings settings{};
  bool whole = true;  ///< False: a line is no name and value, or one of a record is none.
};
[[nodiscard]] ParsedSettings parse_settings(std::string_view text);
/// All but the drafts, which may be large: small enough to be compared with what was saved.
[[nodiscard]] std::string write_settings(const Settings& settings);
/// Of the same form; parse_settings reads both.
[[nodiscard]] std::string write_drafts(const Drafts& drafts);

struct ReadDrafts {
  Drafts drafts{};
  bool whole = true;  ///< False: something in the text is no draft, or too many are.
};
[[nodiscard]] ReadDrafts parse_drafts(std::string_view text);
/// `there`, with what was added and removed between `before` and `after`: others may have changed
/// it, too. A draft is never changed, so those are the same that are written alike.
[[nodiscard]] Drafts merge_drafts(const Drafts& before, const Drafts& after, const Drafts& there);

/// What is longer is not remembered: all of it is looked through every two seconds.
inline constexpr std::size_t remembered_bytes_max = 16UL * 1024;
/// Puts `value` first, once, and drops what is too old.
void remember(std::vector<std::string>& list, const std::string& value, std::size_t size_max);

}  // namespace pinion::gui
