// Where the log goes and how much of it: a plain struct, so that configuration needs no logging
// library. configs/*.toml document the same knobs under [log].
#pragma once

#include <cstdint>
#include <string>

namespace pinion {

enum class LogLevel : std::uint8_t { debug, info, warn, error, off };

struct LogConfig {
  LogLevel level = LogLevel::info;  ///< Lines below it cost a comparison and nothing else.
  std::string file;                 ///< Empty: stderr.
  std::uint32_t file_mib_max = 64;  ///< Then the file is renamed and a new one begun.
  std::uint32_t files_kept = 3;     ///< Renamed files beside the one being written.
  bool operator==(const LogConfig&) const = default;
};

}  // namespace pinion
