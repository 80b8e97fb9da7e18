// pinion-dashboard: reads the options, opens the window, runs.
#include "gui/app/app.hpp"
#include "gui/app/closing_signals.hpp"
#include "gui/app/options.hpp"

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

int main(int count, char** values) {
  using namespace pinion::gui;
  const pinion::Micros started = read_clocks().monotonic;
  const std::vector<std::string> arguments(values + 1, values + count);
  const auto options = parse_options(arguments);
  if (!options) {
    std::fprintf(stderr, "pinion-dashboard: %s\n", options.error().detail.c_str());
    return 2;
  }
  if (options->help) {
    std::fputs(help_text().c_str(), stdout);
    return 0;
  }
  if (options->version) {
    std::puts("pinion-dashboard " PINION_VERSION);
    return 0;
  }
  // It is there longer than the window, and than what is still kept after that is closed.
  std::optional<ClosingSignals> signals;
  if (options->screenshots.empty() && !options->measure) signals.emplace([] { Window::wake(); });
  const auto app = App::open(*options, started);
  if (!app) {
    std::fprintf(stderr, "pinion-dashboard: %s\n", app.error().detail.c_str());
    return 1;
  }
  if (!options->screenshots.empty()) return write_screenshots(**app, options->screenshots);
  if (options->measure) return measure(**app);
  (*app)->run(*signals);
  signals->rest();
  return (*app)->close() ? 0 : 1;
}
