// How the commands hang together: each add_* function, in a file of its own, declares one command
// with its options and says what runs when it was chosen. main.cpp parses and runs.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace pinion::cli {

struct Commands {
  std::string broker;         ///< As given, from PINION_BROKER, or the default.
  bool input_closed = false;  ///< Whoever started the program gave it no stdin.
  std::function<int()> run;   ///< Set by the command that was chosen; returns the exit status.
};

/// `--broker` stands before or after the command: the program and each command declare it.
void add_broker_option(CLI::App& app, Commands& commands);

/// Digits and nothing else: CLI11 takes -1 for a very large number without a sign.
[[nodiscard]] CLI::Validator whole_number();
/// The same from 1 on, up to what no run comes to the end of.
[[nodiscard]] CLI::Validator counting_number();
[[nodiscard]] CLI::Validator partition_index();
/// From 0 to ten years, whole or not.
[[nodiscard]] CLI::Validator seconds_of_time();
[[nodiscard]] CLI::Validator some_text();
/// Not empty; what else is wrong with it, the cluster says.
[[nodiscard]] CLI::Validator topic_name();
/// Digits and nothing else, for a number from `low` to `high`.
[[nodiscard]] CLI::Validator whole_number_from(std::int64_t low, std::int64_t high);
/// tcp://HOST:PORT.
[[nodiscard]] CLI::Validator broker_address();

void add_up(CLI::App& app, Commands& commands);
void add_topic(CLI::App& app, Commands& commands);
void add_produce(CLI::App& app, Commands& commands);
void add_consume(CLI::App& app, Commands& commands);
void add_status(CLI::App& app, Commands& commands);
void add_node(CLI::App& app, Commands& commands);
void add_query(CLI::App& app, Commands& commands);
void add_verify(CLI::App& app, Commands& commands);
void add_bench(CLI::App& app, Commands& commands);

/// Parses and runs. The whole program but for main itself.
[[nodiscard]] int run_command_line(int argc, char** argv);

}  // namespace pinion::cli
