// Reads a documented configuration file the simplest way there is, independently of the loader:
// which keys it sets, and which of them no comment stands in front of.
#pragma once

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

namespace pinion {

inline std::vector<std::string> sorted(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  return texts;
}

struct KeyLine {
  std::string key;
  bool has_comment = false;  ///< In the lines right before it, other keys between allowed.
};

inline std::vector<KeyLine> key_lines(const std::string& path) {
  std::ifstream file(path);
  std::vector<KeyLine> keys;
  std::string table;
  std::string line;
  bool has_comment = false;
  while (std::getline(file, line)) {
    if (line.empty()) {
      has_comment = false;
    } else if (line[0] == '#') {
      has_comment = true;
    } else if (line[0] == '[') {
      table = line.substr(1, line.find(']') - 1) + ".";
      has_comment = false;
    } else {
      keys.push_back({table + line.substr(0, line.find(' ')), has_comment});
    }
  }
  return keys;
}

inline std::vector<std::string> documented_keys(const std::string& path) {
  std::vector<std::string> keys;
  for (const KeyLine& line : key_lines(path)) keys.push_back(line.key);
  return sorted(keys);
}

inline std::vector<std::string> undocumented_keys(const std::string& path) {
  std::vector<std::string> keys;
  for (const KeyLine& line : key_lines(path)) {
    if (!line.has_comment) keys.push_back(line.key);
  }
  return keys;
}

}  // namespace pinion
