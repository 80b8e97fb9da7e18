// A TOML file read key by key into variables of the right type, with errors that name the file, the
// line and the key. The one home of toml++, which this header keeps inside. Inside common/config
// only.
//
//   TomlTable table = ...;
//   table.read("heartbeat_ms", config.heartbeat_ms);   // Absent: the variable keeps its default.
//   PINION_CHECK(table.finish());                      // The first problem, or a key nobody read.
#pragma once

#include "common/base/result.hpp"
#include "common/config/config_fault.hpp"
#include "common/obs/log_config.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

class TomlTable {
 public:
  [[nodiscard]] static Result<TomlTable> parse(std::string_view text, const std::string& source);
  [[nodiscard]] static Result<TomlTable> load(const std::string& path);

  TomlTable(TomlTable&&) noexcept;
  ~TomlTable();

  /// Keys may be dotted: "log.level". Out of the variable's range is a problem of that key.
  void read(std::string_view key, std::int32_t& value);
  void read(std::string_view key, std::uint32_t& value);
  void read(std::string_view key, std::uint64_t& value);
  void read(std::string_view key, std::string& value);
  void read(std::string_view key, std::vector<std::string>& value);
  void read(std::string_view key, LogLevel& value);

  /// The same keys for every program.
  void read_log(LogConfig& log);

  [[nodiscard]] bool has(std::string_view key) const;
  /// "broker.toml:3: data_dir"; empty when the file does not name it.
  [[nodiscard]] std::string place_of(std::string_view key) const;

  /// ok when everything was read without a problem and no key is left that nobody asked for.
  [[nodiscard]] Result<void> finish() const;

  /// The error of a value that was read and then found wrong.
  [[nodiscard]] Error describe(const ConfigFault& fault) const;

  /// Every key that was asked for, in that order.
  [[nodiscard]] const std::vector<std::string>& asked() const noexcept;

 private:
  struct Inside;
  explicit TomlTable(std::unique_ptr<Inside> inside) noexcept;
  std::unique_ptr<Inside> inside_;
};

}  // namespace pinion
