#include "gui/app/options.hpp"

#include <charconv>

namespace pinion::gui {
namespace {

bool parse_int(std::string_view text, int& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

Result<void> set(Options& options, const std::string& name, const std::string& value) {
  if (name == "--broker") {
    options.brokers.push_back(value);
  } else if (name == "--settings") {
    options.settings_file = value;
  } else if (name == "--describe") {
    options.describe_file = value;
  } else if (name == "--screenshots") {
    options.screenshots = value;
  } else if (name == "--demo") {
    options.demo = scene_of(value);
    if (!options.demo) {
      return failure(Errc::invalid_argument, "a demo is ordinary, huge, empty, broken or nothing");
    }
  } else if (name == "--theme") {
    if (value != "dark" && value != "light") {
      return failure(Errc::invalid_argument, "a theme is dark or light");
    }
    options.dark = value == "dark";
  } else if (name == "--scale") {
    int percent = 0;
    if (!parse_int(value, percent) || percent < 50 || percent > 400) {
      return failure(Errc::invalid_argument, "a scale is a percentage from 50 to 400");
    }
    options.scale = static_cast<float>(percent) / 100;
  } else if (name == "--size") {
    const std::size_t x = value.find('x');
    if (x == std::string::npos || !parse_int(value.substr(0, x), options.width) ||
        !parse_int(value.substr(x + 1), options.height) || options.width < 300 ||
        options.height < 200 || options.width > 16'000 || options.height > 16'000) {
      return failure(Errc::invalid_argument, "a size looks like 1440x900");
    }
  } else {
    return failure(Errc::invalid_argument, "there is no option " + name + "; see --help");
  }
  return {};
}

}  // namespace

Result<Options> parse_options(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      options.help = true;
    } else if (argument == "--version") {
      options.version = true;
    } else if (argument == "--measure") {
      options.measure = true;
    } else if (argument.starts_with("--")) {
      const std::size_t equal = argument.find('=');
      if (equal == std::string::npos && i + 1 >= arguments.size()) {
        return failure(Errc::invalid_argument,
                       argument + " wants a value, or is no option; see --help");
      }
      const std::string value =
          equal == std::string::npos ? arguments[++i] : argument.substr(equal + 1);
      PINION_CHECK(set(options, argument.substr(0, equal), value));
    } else {
      options.brokers.push_back(argument);
    }
  }
  return options;
}

std::string help_text() {
  return "pinion-dashboard [OPTION...] [BROKER...]\n"
         "\n"
         "A window to produce, to consume and to see a Pinion cluster.\n"
         "\n"
         "  BROKER, --broker ADDRESS   a leader broker, as tcp://host:5550 or host:5550; several\n"
         "                             open as tabs. None: those of the last time are offered.\n"
         "  --theme dark|light         --size WIDTHxHEIGHT         --scale PERCENT\n"
         "                             for this run; what is remembered stays as it is\n"
         "  --settings FILE            what is remembered (else in the user's settings folder)\n"
         "  --demo SCENE               a made-up cluster: ordinary, huge, empty, broken, nothing\n"
         "  --screenshots FOLDER       a picture of every panel, light and dark, and end\n"
         "  --measure                  how fast it is here, as a table, and end\n"
         "  --describe FILE            keep a description of what is on the screen in FILE: a "
         "line\n"
         "                             a control, with its place and text; for tests and readers\n"
         "  --version, --help\n";
}

}  // namespace pinion::gui
