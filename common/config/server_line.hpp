// The command line of a server program: what is asked for, and with which configuration file.
#pragma once

#include "common/base/result.hpp"
#include "common/base/restored.hpp"

#include <string>

namespace pinion {

struct ServerLine {
  enum class Ask { serve, check_config, help, version };
  Ask ask = Ask::serve;
  std::string config;  ///< A path; empty when only help or the version is asked for.
  Restored restored = Restored::no;
};

/// What is special about a program.
struct ServerProgram {
  std::string example;      ///< A configuration file of it, for who named none.
  bool keeps_data = false;  ///< Then it knows --restored.
};

/// `invalid_argument` says what to do.
[[nodiscard]] Result<ServerLine> parse_server_line(int argc, char** argv,
                                                   const ServerProgram& program);

}  // namespace pinion
