#include "cli/command.hpp"

#include "cli/interrupt.hpp"
#include "cli/output.hpp"

#include <charconv>
#include <cstdlib>
#include <iostream>
#include <limits>

#include "common/base/endpoint.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/obs/standard_files.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace pinion::cli {
namespace {

constexpr const char* about =
    "Pinion: a durable log that you can open with sqlite3.\n"
    "Starts a cluster, makes topics, sends and reads records, shows what goes on.";

constexpr const char* closing =
    "Exit status: 0 when everything asked for was done, 1 when not (one line on stderr says what\n"
    "to do), 2 for a command line that cannot be understood (an unknown word, or a value that its\n"
    "option cannot have; nobody was asked), 130 when interrupted before the end, 141 when the\n"
    "reader of a pipe went away.";

constexpr std::uint64_t count_max = 1'000'000'000'000;
/// Of an option in seconds: ten years.
constexpr double seconds_max = 315'360'000;

/// The word that stands where a command should; empty: there is none.
std::string stray_word(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  if (!chosen.empty()) return stray_word(*chosen.front());
  const std::vector<std::string> words = app.remaining();
  return words.empty() || words.front().rfind('-', 0) == 0 ? std::string() : words.front();
}

/// One line, without the library's own hint at --help.
int refuse(const CLI::App& app, const CLI::Error& error) {
  std::string what = error.what();
  if (what.find("A subcommand is required") != std::string::npos) {
    const std::string stray = stray_word(app);
    what = stray.empty() ? "name a command" : "'" + stray + "' is no command";
  }
  complain(what + "; pinion --help lists the commands, pinion COMMAND --help their options");
  return 2;
}

}  // namespace

void add_broker_option(CLI::App& app, Commands& commands) {
  app.add_option(
         "--broker", commands.broker,
         "The leader broker, tcp://HOST:PORT (else PINION_BROKER, else " + commands.broker + ")")
      ->check(broker_address())
      ->type_name("ADDRESS");
}

CLI::Validator whole_number() {
  return {[](std::string& text) -> std::string {
            const bool whole =
                !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
            if (!whole) return "'" + text + "' is no whole number from 0 on";
            // CLI11 takes what is too large for the largest number there is.
            std::uint64_t number = 0;
            const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
            if (read.ec == std::errc()) return {};
            return "'" + text + "' is larger than " +
                   std::to_string(std::numeric_limits<std::uint64_t>::max());
          },
          ""};
}

CLI::Validator whole_number_from(std::int64_t low, std::int64_t high) {
  return {[low, high](std::string& text) -> std::string {
            std::int64_t number = 0;
            const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
            const bool whole = whole_number()(text).empty() && read.ec == std::errc();
            if (whole && number >= low && number <= high) return {};
            return "'" + text + "' is no whole number from " + std::to_string(low) + " to " +
                   std::to_string(high);
          },
          ""};
}

CLI::Validator counting_number() {
  return {[](std::string& text) -> std::string {
            const CLI::Range range(std::uint64_t{1}, count_max);
            const bool whole = whole_number()(text).empty();
            if (whole && range(text).empty()) return {};
            return "'" + text + "' is no whole number from 1 to " + std::to_string(count_max);
          },
          ""};
}

CLI::Validator partition_index() {
  return {[](std::string& text) -> std::string {
            const CLI::Range range(0, limits::partitions_per_topic_max - 1);
            const bool whole = whole_number()(text).empty();
            if (whole && range(text).empty()) return {};
            return "'" + text + "' is no partition; they count from 0";
          },
          ""};
}

CLI::Validator seconds_of_time() {
  return {[](std::string& text) -> std::string {
            // CLI11's Range takes what is no number at all, nan, for one within it.
            char* end = nullptr;
            const double seconds = std::strtod(text.c_str(), &end);
            const bool number = !text.empty() && *end == '\0';
            if (number && seconds >= 0 && seconds <= seconds_max) return {};
            return "'" + text + "' is no time from 0 to " +
                   std::to_string(static_cast<std::int64_t>(seconds_max)) + " seconds";
          },
          ""};
}

CLI::Validator some_text() {
  return {[](std::string& text) -> std::string { return text.empty() ? "it is empty" : ""; }, ""};
}

CLI::Validator topic_name() {
  return {[](std::string& text) -> std::string {
            return text.empty() ? "a topic's name is empty; pinion topic list shows them" : "";
          },
          ""};
}

CLI::Validator broker_address() {
  return {[](std::string& text) -> std::string {
            const std::string problem = endpoint_problem(text, EndpointUse::connect);
            if (problem.empty()) return {};
            const std::string what = "'" + printable(text, limits::address_bytes_max) + "' ";
            const bool says_how = problem.ends_with("tcp://HOST:PORT");
            return what + problem + (says_how ? "" : "; write tcp://HOST:PORT");
          },
          ""};
}

int run_command_line(int argc, char** argv) {
  Commands commands;
  commands.input_closed = ::fcntl(STDIN_FILENO, F_GETFD) < 0;  // Before something is put there.
  hold_standard_files();
  install_interrupt();
  commands.broker = "tcp://127.0.0.1:5550";
  CLI::App app(about, "pinion");
  app.footer(closing);
  app.set_version_flag("--version", "pinion " PINION_VERSION);
  add_broker_option(app, commands);
  app.require_subcommand(1);
  for (const auto add : {add_up, add_topic, add_node, add_produce, add_consume, add_status,
                         add_query, add_verify, add_bench}) {
    add(app, commands);
  }
  // After the options' texts were made with the default in them, and before they are parsed.
  const char* named = std::getenv("PINION_BROKER");
  if (named != nullptr && *named != '\0') commands.broker = named;
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wish) {
    app.exit(wish);  // --help and --version print and end.
    std::cout.flush();
    return std::cout.good() ? 0 : complain("what was asked for could not be written out");
  } catch (const CLI::ParseError& error) {
    return refuse(app, error);
  }
  return commands.run();
}

}  // namespace pinion::cli
