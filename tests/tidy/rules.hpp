// The house's rules that a compiler and a linker cannot see (docs/STYLE.md). Each is a function
// from files to findings, so that a test can plant a fault and see it found. Tests only.
#pragma once

#include "tests/tidy/source_tree.hpp"

#include <string>
#include <vector>

namespace pinion::tidy {

/// "path:line: what to do instead"; the line is left out when the whole file is meant.
using Findings = std::vector<std::string>;

// ---- One file at a time.

/// Columns, white space at ends of lines, tabs, the newline at the end.
[[nodiscard]] Findings check_layout(const SourceFile& file);
/// Files that are too long to be read in one go.
[[nodiscard]] Findings check_length(const SourceFile& file);
/// Headers: #pragma once, and an opening comment that says what this is.
[[nodiscard]] Findings check_header(const SourceFile& file);
/// Words that mean "not done", and calls that the house has a better one for.
[[nodiscard]] Findings check_words(const SourceFile& file);
/// What a pure core must not touch: clocks, threads, randomness, files, exceptions, hash order.
[[nodiscard]] Findings check_core(const SourceFile& file);
/// Which folder may include which, and the one home of each third-party header.
[[nodiscard]] Findings check_includes(const SourceFile& file);
/// Suffixes that say nothing about a class.
[[nodiscard]] Findings check_names(const SourceFile& file);

// ---- The tree as a whole.

/// Sources that no target builds.
[[nodiscard]] Findings check_listed(const std::vector<SourceFile>& files);
/// Includes and links in documents that lead nowhere.
[[nodiscard]] Findings check_references(const std::vector<SourceFile>& files);

/// Tests and planted bugs that docs/REPLICATION.md says show something, and that do not exist.
[[nodiscard]] Findings check_shown_by(const std::vector<SourceFile>& files);

/// All of them over all files.
[[nodiscard]] Findings check_tree(const std::vector<SourceFile>& files);

}  // namespace pinion::tidy
