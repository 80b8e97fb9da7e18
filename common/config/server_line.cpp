#include "common/config/server_line.hpp"

#include <string_view>

namespace pinion {

Result<ServerLine> parse_server_line(int argc, char** argv, const ServerProgram& program) {
  ServerLine line;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    if (argument == "--help" || argument == "-h") return ServerLine{ServerLine::Ask::help, {}, {}};
    if (argument == "--version") return ServerLine{ServerLine::Ask::version, {}, {}};
    if (argument == "--check-config") {
      line.ask = ServerLine::Ask::check_config;
    } else if (program.keeps_data && argument == "--restored") {
      line.restored = Restored::yes;
    } else if (argument.substr(0, 1) == "-") {
      return failure(Errc::invalid_argument,
                     "unknown option " + std::string(argument) + "; see --help");
    } else if (!line.config.empty()) {
      return failure(Errc::invalid_argument, "one configuration file is enough; see --help");
    } else {
      line.config = argument;
    }
  }
  if (line.config.empty()) {
    return failure(Errc::invalid_argument, "name a configuration file, such as " + program.example);
  }
  return line;
}

}  // namespace pinion
