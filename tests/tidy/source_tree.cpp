#include "tests/tidy/source_tree.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace pinion::tidy {
namespace {

constexpr std::array extensions = {".hpp", ".cpp",  ".def",  ".txt",  ".cmake",
                                   ".md",  ".toml", ".json", ".patch"};

bool is_skipped_folder(const std::string& name) {
  return name.starts_with(".") || name.starts_with("build") || name == "data" || name == "corpus" ||
         name == "__pycache__";
}

bool is_read(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (name.starts_with(".")) return false;
  const std::string extension = path.extension().string();
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

/// Walks over C++ text and says of each character whether it is code.
class Blanker {
 public:
  explicit Blanker(std::string_view text) : text_(text), out_(text) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (starts("//")) {
        blank_until("\n", 0);
      } else if (starts("/*")) {
        blank_until("*/", 2);
      } else if (starts("R\"")) {
        raw_literal();
      } else if (text_[at_] == '"' || (text_[at_] == '\'' && !in_number())) {
        literal(text_[at_]);
      } else {
        ++at_;
      }
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool starts(std::string_view what) const {
    return text_.substr(at_, what.size()) == what;
  }
  /// 1'000: the quote separates digits.
  [[nodiscard]] bool in_number() const {
    return at_ > 0 && std::isxdigit(static_cast<unsigned char>(text_[at_ - 1])) != 0 &&
           at_ + 1 < text_.size() &&
           std::isxdigit(static_cast<unsigned char>(text_[at_ + 1])) != 0 &&
           (at_ + 2 >= text_.size() || text_[at_ + 2] != '\'' || at_ + 3 >= text_.size() ||
            std::isxdigit(static_cast<unsigned char>(text_[at_ + 3])) != 0);
  }
  void blank() {
    if (text_[at_] != '\n') out_[at_] = ' ';
    ++at_;
  }
  void blank_until(std::string_view end, std::size_t include) {
    while (at_ < text_.size() && !starts(end)) blank();
    for (std::size_t i = 0; i < include && at_ < text_.size(); ++i) blank();
  }
  void raw_literal() {
    const std::size_t open = text_.find('(', at_);
    if (open == std::string_view::npos) {
      at_ = text_.size();
      return;
    }
    const std::string end = ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
    at_ = open + 1;
    blank_until(end, 0);
    at_ = std::min(text_.size(), at_ + end.size());
  }
  /// #include "..." keeps its path: that is code to the lint.
  void literal(char quote) {
    const std::size_t line = text_.rfind('\n', at_) + 1;
    const bool is_include = text_.substr(line, 8) == "#include";
    ++at_;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      const bool escaped = text_[at_] == '\\';
      if (is_include) {
        ++at_;
      } else {
        blank();
        if (escaped && at_ < text_.size()) blank();
      }
    }
    if (at_ < text_.size()) ++at_;
  }

  std::string_view text_;
  std::string out_;
  std::size_t at_ = 0;
};

}  // namespace

std::string blank_comments_and_literals(std::string_view text) { return Blanker(text).run(); }

SourceFile make_source(std::string path, std::string text) {
  SourceFile file;
  file.path = std::move(path);
  file.text = std::move(text);
  if (file.is_cpp()) file.code = blank_comments_and_literals(file.text);
  std::istringstream stream(file.text);
  for (std::string line; std::getline(stream, line);) file.lines.push_back(line);
  return file;
}

std::vector<SourceFile> read_tree(const std::string& root) {
  namespace fs = std::filesystem;
  std::vector<SourceFile> files;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::end(it); ++it) {
    if (it->is_directory()) {
      if (is_skipped_folder(it->path().filename().string())) it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file() || !is_read(it->path())) continue;
    std::ifstream stream(it->path(), std::ios::binary);
    std::stringstream text;
    text << stream.rdbuf();
    files.push_back(make_source(fs::relative(it->path(), root).generic_string(), text.str()));
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace pinion::tidy
