// The repository's own files as text, for the lint. Tests only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pinion::tidy {

struct SourceFile {
  std::string path;                ///< From the repository's root: "common/base/limits.hpp".
  std::string text;                ///< As it is.
  std::string code;                ///< Comments and the insides of literals blanked, lines kept.
  std::vector<std::string> lines;  ///< Of text.

  [[nodiscard]] bool is_header() const { return path.ends_with(".hpp"); }
  [[nodiscard]] bool is_source() const { return path.ends_with(".cpp"); }
  [[nodiscard]] bool is_cpp() const { return is_header() || is_source(); }
  [[nodiscard]] bool in(std::string_view folder) const { return path.starts_with(folder); }
};

/// Fills in `code` and `lines`.
[[nodiscard]] SourceFile make_source(std::string path, std::string text);

/// Everything under the root that is ours and is text: no build folders, data or hidden files.
[[nodiscard]] std::vector<SourceFile> read_tree(const std::string& root);

/// `text` with comments, and what stands in string and character literals, made blanks.
[[nodiscard]] std::string blank_comments_and_literals(std::string_view text);

}  // namespace pinion::tidy
