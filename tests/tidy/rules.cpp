#include "tests/tidy/rules.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string_view>

namespace pinion::tidy {
namespace {

constexpr std::size_t columns_max = 100;
constexpr std::size_t lines_max = 600;
constexpr std::size_t main_lines_max = 80;

struct Exception {
  std::string_view path;
  std::string_view reason;
};

/// Longer than lines_max, and why that is better than two files.
constexpr std::array long_files = {
    Exception{"common/proto/messages.hpp", "the whole wire on one page, one struct a message"},
    Exception{"docs/PROTOCOL.md", "a document"},
};

/// Hash containers in a core whose order reaches no output.
constexpr std::array hash_order_unseen = {
    Exception{"", ""},
};

struct Ban {
  std::string_view token;
  std::string_view instead;
};

/// Spelled in two parts, so that this file passes its own rule.
constexpr std::array unfinished = {
    "TO"
    "DO",
    "FIX"
    "ME",
    "XX"
    "X",
    "HA"
    "CK"};

constexpr std::array banned_everywhere = {
    Ban{".value()", "test the result, then use *result: value() throws"},
    Ban{"std::endl", "write \"\\n\""},
    Ban{"using namespace std;", "name what you use"},
    Ban{"#define private", "test through the public part"},
};

constexpr std::array banned_in_cores = {
    Ban{"::now(", "time is an argument: take a Now"},
    Ban{"random_device", "take a seed in the constructor"},
    Ban{"mt19937", "use common/base/prng.hpp"},
    Ban{"_distribution", "use common/base/prng.hpp: libraries differ in their distributions"},
    Ban{"std::thread", "a core has no threads"},
    Ban{"std::jthread", "a core has no threads"},
    Ban{"std::async", "a core has no threads"},
    Ban{"std::atomic", "a core belongs to one thread"},
    Ban{"mutex", "a core belongs to one thread"},
    Ban{"condition_variable", "a core belongs to one thread"},
    Ban{"sleep", "return an effect, or keep a deadline"},
    Ban{"throw", "errors are values"},
    Ban{"catch (", "errors are values"},
    Ban{"rand(", "use common/base/prng.hpp"},
    Ban{"getenv", "options come in by the constructor"},
    Ban{"printf", "emit an event"},
    Ban{"std::cout", "emit an event"},
    Ban{"std::cerr", "emit an event"},
    Ban{"unordered_", "iteration order reaches outputs: use std::map or a sorted vector"},
};

constexpr std::array headers_not_for_cores = {
    "<thread>",       "<mutex>",    "<atomic>",   "<fstream>", "<random>",  "<filesystem>",
    "<iostream>",     "<iomanip>",  "<future>",   "<ctime>",   "<csignal>", "<condition_variable>",
    "<shared_mutex>", "<unistd.h>", "<semaphore>"};

/// A third-party header's home: who else may include it, nobody. Tests may include what they test.
const std::multimap<std::string_view, std::string_view> homes = {
    {"zmq.hpp", "common/zmq/"},
    {"zmq.h", "common/zmq/"},
    {"zmq_addon.hpp", ""},
    {"sqlite3.h", "common/sqlite/"},
    {"sqlite3.h", "cli/bench_storage.cpp"},  // Measures the bare library, with none of our classes.
    {"msgpack.hpp", "common/proto/codec.cpp"},
    {"toml++/", "common/config/toml_table.cpp"},
    {"spdlog/", "common/obs/log.cpp"},
    {"fmt/", "common/obs/log.cpp"},
    {"CLI/", "cli/command"},
    {"nlohmann/", "cli/json_text.cpp"},
    {"nlohmann/", "gateway/core/json.hpp"},
    {"isa-l/", "common/base/checksum.cpp"},
    {"isa-l.h", "common/base/checksum.cpp"},
    {"tl/", "common/base/result.hpp"},
    {"imgui.h", "gui/views/"},
    {"imgui.h", "gui/app/"},
    {"imgui_stdlib.h", "gui/views/"},
    {"imgui_freetype.h", "gui/app/fonts.cpp"},
    {"backends/", "gui/app/window.cpp"},
    {"GLFW/", "gui/app/window.cpp"},
    {"stb/", "gui/app/png.cpp"},
    {"catch2/", "tests/"},
    {"boost/", "gateway/http/"},
    {"prometheus/", "gateway/app/metrics.cpp"},
};

/// What the files under a folder may include of ours; the longest folder that fits decides.
const std::map<std::string_view, std::vector<std::string_view>> layers = {
    {"common/base/", {"common/base/"}},
    {"common/proto/", {"common/base/", "common/proto/"}},
    {"common/ports/", {"common/base/", "common/proto/", "common/ports/"}},
    {"common/obs/", {"common/base/", "common/obs/"}},
    {"common/config/", {"common/base/", "common/config/", "common/obs/log_config.hpp"}},
    {"common/zmq/", {"common/base/", "common/proto/", "common/ports/", "common/zmq/"}},
    {"common/sqlite/", {"common/base/", "common/sqlite/"}},
    {"broker/core/",
     {"common/base/", "common/proto/", "common/ports/meta_store.hpp", "broker/core/"}},
    {"broker/driver/",
     {"common/base/", "common/proto/", "common/ports/", "common/obs/", "broker/core/",
      "broker/driver/"}},
    {"broker/storage/",
     {"common/base/", "common/proto/", "common/ports/", "common/obs/", "common/sqlite/",
      "broker/storage/"}},
    {"broker/app/", {"common/", "broker/"}},
    {"broker/main.cpp", {"common/", "broker/app/"}},
    {"partition/core/",
     {"common/base/", "common/proto/", "common/ports/record_store.hpp", "partition/core/"}},
    {"partition/driver/",
     {"common/base/", "common/proto/", "common/ports/", "common/obs/", "partition/core/",
      "partition/driver/"}},
    {"partition/storage/",
     {"common/base/", "common/proto/", "common/ports/", "common/obs/", "common/sqlite/",
      "partition/storage/"}},
    {"partition/app/", {"common/", "partition/"}},
    {"partition/main.cpp", {"common/", "partition/app/"}},
    {"client/core/", {"common/base/", "common/proto/", "client/api/values.hpp", "client/core/"}},
    {"client/driver/",
     {"common/base/", "common/proto/", "common/ports/", "common/obs/", "client/core/",
      "client/api/", "client/driver/"}},
    {"client/api/", {"common/", "client/"}},
    {"client/", {"common/", "client/"}},
    {"gateway/core/", {"common/base/", "common/proto/", "gateway/core/"}},
    {"gateway/http/", {"common/base/", "gateway/core/", "gateway/http/"}},
    {"gateway/cluster/",
     {"common/base/", "common/proto/", "client/api/", "gateway/core/", "gateway/http/clock.hpp",
      "gateway/http/http_application.hpp", "gateway/http/http_budgets.hpp", "gateway/cluster/"}},
    {"gateway/app/", {"common/", "client/api/", "gateway/"}},
    {"gateway/main.cpp", {"common/", "gateway/app/"}},
    {"cli/",
     {"common/base/", "common/proto/", "common/config/", "common/obs/", "client/api/", "cli/",
      "broker/app/", "gateway/app/", "partition/app/", "partition/storage/"}},
    {"gui/model/",
     {"common/base/", "common/proto/", "cli/text.hpp", "cli/json_text.hpp", "gui/model/"}},
    {"gui/feed/", {"common/base/", "common/proto/", "client/api/", "gui/model/", "gui/feed/"}},
    {"gui/views/", {"common/base/", "common/proto/", "cli/text.hpp", "gui/model/", "gui/views/"}},
    {"gui/app/", {"common/base/", "common/proto/", "gui/"}},
    {"gui/main.cpp", {"common/base/", "gui/app/"}},
    {"examples/", {"common/base/", "common/proto/", "client/api/"}},
    {"tests/",
     {"common/", "broker/", "partition/", "client/", "cli/", "gateway/", "gui/", "tests/"}},
    {"cmake/", {}},
};

constexpr std::array name_suffixes = {"Manager", "Helper",    "Util", "Utils",
                                      "Handler", "Processor", "Base"};

bool is_core(const SourceFile& file) { return file.path.find("/core/") != std::string::npos; }
bool is_test(const SourceFile& file) { return file.in("tests/"); }

std::string at_line(const SourceFile& file, std::size_t index, const std::string& what) {
  return file.path + ":" + std::to_string(index + 1) + ": " + what;
}

std::size_t line_of(const std::string& text, std::size_t at) {
  return static_cast<std::size_t>(
      std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

/// Characters, not bytes.
std::size_t columns_of(std::string_view line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Every place where `token` begins, and does not continue a longer name.
std::vector<std::size_t> places_of(const std::string& code, std::string_view token) {
  std::vector<std::size_t> places;
  for (std::size_t at = code.find(token); at != std::string::npos; at = code.find(token, at + 1)) {
    const bool continues = at > 0 && is_word(token[0]) && token[0] != '_' && is_word(code[at - 1]);
    if (!continues) places.push_back(at);
  }
  return places;
}

template <typename Bans>
void find_bans(const SourceFile& file, const Bans& bans, Findings& findings) {
  for (const Ban& ban : bans) {
    for (const std::size_t at : places_of(file.code, ban.token)) {
      findings.push_back(at_line(file, line_of(file.code, at),
                                 "'" + std::string(ban.token) + "': " + std::string(ban.instead)));
    }
  }
}

struct Include {
  std::string path;
  bool is_ours = false;  ///< In quotes.
  std::size_t line = 0;
};
std::vector<Include> includes_of(const SourceFile& file) {
  static const std::regex pattern(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<Include> includes;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    std::smatch match;
    if (std::regex_search(file.lines[i], match, pattern)) {
      includes.push_back({match[2], match[1] == "\"", i});
    }
  }
  return includes;
}

void check_home(const SourceFile& file, const Include& include, Findings& findings) {
  bool has_home = false;
  bool is_home = false;
  std::string where;
  for (const auto& [header, home] : homes) {
    const bool meant =
        header.ends_with('/') ? include.path.starts_with(header) : include.path == header;
    if (!meant) continue;
    has_home = true;
    is_home = is_home || (!home.empty() && file.in(home)) ||
              (is_test(file) && header != "boost/" && header != "zmq_addon.hpp");
    where += std::string(where.empty() ? "" : ", ") + std::string(home.empty() ? "nowhere" : home);
  }
  if (has_home && !is_home) {
    findings.push_back(
        at_line(file, include.line, "<" + include.path + "> is at home in " + where));
  }
}

void check_layer(const SourceFile& file, const Include& include, Findings& findings) {
  std::string_view folder;
  const std::vector<std::string_view>* allowed = nullptr;
  for (const auto& [prefix, list] : layers) {
    if (file.in(prefix) && prefix.size() > folder.size()) {
      folder = prefix;
      allowed = &list;
    }
  }
  if (allowed == nullptr) {
    findings.push_back(
        at_line(file, include.line, "this folder has no line in tests/tidy's layers"));
    return;
  }
  const bool good = std::any_of(allowed->begin(), allowed->end(), [&](std::string_view prefix) {
    return include.path.starts_with(prefix);
  });
  if (!good) {
    findings.push_back(
        at_line(file, include.line, std::string(folder) + " may not include " + include.path));
  }
}

/// Whether `name` stands in the text as a whole path.
bool names_path(const std::string& text, const std::string& name) {
  for (const std::size_t at : places_of(text, name)) {
    const char before = at == 0 ? ' ' : text[at - 1];
    const std::size_t end = at + name.size();
    const char after = end == text.size() ? ' ' : text[end];
    if (before != '/' && !is_word(before) && !is_word(after)) return true;
  }
  return false;
}

/// Whether a CMakeLists.txt names the source in one of the ways there are: "a.cpp", "core/a.cpp",
/// "../support/a.cpp", from the project's root, or as ${name}.cpp in a foreach over names.
bool lists(const SourceFile& list, const SourceFile& source) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(list.path).parent_path();
  const fs::path path(source.path);
  if (names_path(list.text, path.lexically_relative(folder).generic_string())) return true;
  if (names_path(list.text, "${PROJECT_SOURCE_DIR}/" + source.path)) return true;
  return folder == path.parent_path() && list.text.find("}.cpp") != std::string::npos &&
         names_path(list.text, path.stem().string());
}

}  // namespace

Findings check_layout(const SourceFile& file) {
  Findings findings;
  const bool limited = file.is_cpp() || file.path.ends_with(".toml");
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    if (limited && columns_of(line) > columns_max) {
      findings.push_back(at_line(file, i, "the line has over 100 columns"));
    }
    if (file.path.ends_with(".patch")) continue;
    if (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) {
      findings.push_back(at_line(file, i, "white space ends the line"));
    }
    if (file.is_cpp() && line.find('\t') != std::string::npos) {
      findings.push_back(at_line(file, i, "a tab; use blanks"));
    }
  }
  if (!file.text.empty() && file.text.back() != '\n') {
    findings.push_back(file.path + ": the last line does not end");
  }
  return findings;
}

Findings check_length(const SourceFile& file) {
  if (!file.is_cpp()) return {};
  const bool is_main = file.path.ends_with("/main.cpp") && !is_test(file);
  const bool excepted = std::any_of(long_files.begin(), long_files.end(),
                                    [&](const Exception& e) { return e.path == file.path; });
  const std::size_t most = is_main ? main_lines_max : lines_max;
  if (excepted || file.lines.size() <= most) return {};
  return {file.path + ": " + std::to_string(file.lines.size()) + " lines; at most " +
          std::to_string(most) + ", or an exception with its reason in tests/tidy/rules.cpp"};
}

Findings check_header(const SourceFile& file) {
  if (!file.is_header()) return {};
  Findings findings;
  if (file.code.find("#pragma once") == std::string::npos) {
    findings.push_back(file.path + ": no #pragma once");
  }
  if (!file.text.starts_with("//")) {
    findings.push_back(file.path + ": open with a comment: what it is, its thread, its promises");
  }
  return findings;
}

Findings check_words(const SourceFile& file) {
  Findings findings;
  if (file.path.ends_with(".patch")) return findings;
  for (const std::string_view word : unfinished) {
    for (const std::size_t at : places_of(file.text, word)) {
      const std::size_t end = at + word.size();
      if (end < file.text.size() && is_word(file.text[end])) continue;
      findings.push_back(
          at_line(file, line_of(file.text, at), std::string(word) + ": do it, or write an issue"));
    }
  }
  if (file.is_cpp() && !is_test(file)) find_bans(file, banned_everywhere, findings);
  return findings;
}

Findings check_core(const SourceFile& file) {
  if (!file.is_cpp() || !is_core(file) || is_test(file)) return {};
  Findings findings;
  for (const Ban& ban : banned_in_cores) {
    const bool hash = ban.token == "unordered_";
    const bool unseen = std::any_of(hash_order_unseen.begin(), hash_order_unseen.end(),
                                    [&](const Exception& e) { return e.path == file.path; });
    if (hash && unseen) continue;
    find_bans(file, std::array{ban}, findings);
  }
  for (const Include& include : includes_of(file)) {
    for (const std::string_view header : headers_not_for_cores) {
      if (!include.is_ours && "<" + include.path + ">" == header) {
        findings.push_back(at_line(file, include.line, std::string(header) + " in a pure core"));
      }
    }
  }
  return findings;
}

Findings check_includes(const SourceFile& file) {
  if (!file.is_cpp()) return {};
  Findings findings;
  for (const Include& include : includes_of(file)) {
    if (include.is_ours) {
      check_layer(file, include, findings);
    } else {
      check_home(file, include, findings);
    }
  }
  return findings;
}

Findings check_names(const SourceFile& file) {
  if (!file.is_cpp() || is_test(file)) return {};
  static const std::regex pattern(R"(\b(?:class|struct)\s+(?:\[\[\w+\]\]\s+)?(\w+))");
  Findings findings;
  for (std::sregex_iterator it(file.code.begin(), file.code.end(), pattern), end; it != end; ++it) {
    const std::string name = (*it)[1];
    for (const std::string_view suffix : name_suffixes) {
      if (!name.ends_with(suffix)) continue;
      const auto at = static_cast<std::size_t>(it->position());
      findings.push_back(
          at_line(file, line_of(file.code, at),
                  name + ": say what it is; " + std::string(suffix) + " says nothing"));
    }
  }
  return findings;
}

Findings check_listed(const std::vector<SourceFile>& files) {
  Findings findings;
  for (const SourceFile& file : files) {
    if (!file.is_source() || file.in("cmake/")) continue;
    const bool listed = std::any_of(files.begin(), files.end(), [&](const SourceFile& list) {
      const bool is_list = list.path.ends_with("CMakeLists.txt") || list.path.ends_with(".cmake");
      return is_list && lists(list, file);
    });
    if (!listed) findings.push_back(file.path + ": no CMakeLists.txt lists it");
  }
  return findings;
}

Findings check_references(const std::vector<SourceFile>& files) {
  std::set<std::string> paths;
  for (const SourceFile& file : files) paths.insert(file.path);
  Findings findings;
  for (const SourceFile& file : files) {
    if (!file.is_cpp()) continue;
    for (const Include& include : includes_of(file)) {
      if (include.is_ours && paths.count(include.path) == 0) {
        findings.push_back(at_line(
            file, include.line, "\"" + include.path + "\" is no path from the repository's root"));
      }
    }
  }
  return findings;
}

Findings check_shown_by(const std::vector<SourceFile>& files) {
  static const std::regex quoted(R"(`([^`]+)`)");
  const auto exists = [&files](const std::string& name) {
    const std::string patch = "tests/sim/bugs/" + name + ".patch";
    return std::any_of(files.begin(), files.end(), [&](const SourceFile& file) {
      if (file.path == patch) return true;
      return file.in("tests/") && file.is_source() &&
             file.text.find('"' + name + '"') != std::string::npos;
    });
  };
  Findings findings;
  for (const SourceFile& file : files) {
    if (file.path != "docs/REPLICATION.md") continue;
    bool in_table = false;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      in_table = line.starts_with("|") && (in_table || line.ends_with("| shown by |"));
      if (!in_table) continue;
      const std::size_t last = line.rfind("| ", line.size() - 2);
      if (last == std::string::npos) continue;  // The rule below the heads.
      const std::string cell = line.substr(last);
      for (std::sregex_iterator it(cell.begin(), cell.end(), quoted), end; it != end; ++it) {
        if (exists((*it)[1])) continue;
        findings.push_back(at_line(
            file, i, "no test, checker or planted bug is called '" + std::string((*it)[1]) + "'"));
      }
    }
  }
  return findings;
}

Findings check_tree(const std::vector<SourceFile>& files) {
  Findings findings;
  const auto add = [&findings](Findings more) {
    findings.insert(findings.end(), more.begin(), more.end());
  };
  for (const SourceFile& file : files) {
    for (const auto check : {check_layout, check_length, check_header, check_words, check_core,
                             check_includes, check_names}) {
      add(check(file));
    }
  }
  add(check_listed(files));
  add(check_references(files));
  add(check_shown_by(files));
  return findings;
}

}  // namespace pinion::tidy
