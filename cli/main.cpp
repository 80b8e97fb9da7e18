#include "cli/command.hpp"

int main(int argc, char** argv) { return pinion::cli::run_command_line(argc, argv); }
