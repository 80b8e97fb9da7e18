#include "tests/e2e/dashboard/screen.hpp"

#include <catch2/catch.hpp>

#include "tests/support/process_cluster.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>

#include <dlfcn.h>
#include <unistd.h>

namespace pinion::test {
namespace {

std::vector<std::string> with_program(const TemporaryFolder& folder, const std::string& description,
                                      const std::vector<std::string>& more,
                                      std::vector<std::string> arguments) {
  arguments.insert(arguments.end(),
                   {programs() + "/pinion-dashboard", "--settings", folder / "dashboard.conf",
                    "--describe", description, "--size", "1280x800"});
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// Its headers may be missing where its programs are there.
class XLibrary {
 public:
  XLibrary() : library_(::dlopen("libX11.so.6", RTLD_NOW)) { REQUIRE(library_ != nullptr); }
  ~XLibrary() { ::dlclose(library_); }
  XLibrary(const XLibrary&) = delete;
  XLibrary& operator=(const XLibrary&) = delete;
  template <typename Function>
  [[nodiscard]] Function* function(const char* name) const {
    void* found = ::dlsym(library_, name);
    REQUIRE(found != nullptr);
    return reinterpret_cast<Function*>(found);
  }

 private:
  void* library_;
};

}  // namespace

Screen::Screen() {
  // The server chooses a free display and writes its number to the descriptor.
  server_ = std::make_unique<TestProcess>(ProcessOptions{
      .arguments = {"/usr/bin/env", "Xvfb", "-displayfd", "1", "-screen", "0", "1280x800x24",
                    "-nolisten", "tcp", "-noreset", "+extension", "GLX"}});
  REQUIRE(server_->wait_for_output("\n", 20s));
  display_ = ":" + server_->output();
  while (!display_.empty() && display_.back() == '\n') display_.pop_back();
}

void Screen::act(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"/usr/bin/env", "xdotool"});
  const Finished done = run({.arguments = arguments, .environment = {"DISPLAY=" + display_}});
  INFO(done.errors);
  REQUIRE(done.status == 0);
}

std::string Screen::window() const {
  const Finished done =
      run({.arguments = {"/usr/bin/env", "xdotool", "search", "--onlyvisible", "--name", "Pinion"},
           .environment = {"DISPLAY=" + display_}});
  return done.output.substr(0, done.output.find('\n'));
}

void Screen::minimise() const {
  const XLibrary x;
  void* display = x.function<void*(const char*)>("XOpenDisplay")(display_.c_str());
  REQUIRE(display != nullptr);
  const unsigned long state =
      x.function<unsigned long(void*, const char*, int)>("XInternAtom")(display, "WM_STATE", 0);
  const std::array<long, 2> iconic{3, 0};
  x.function<int(void*, unsigned long, unsigned long, unsigned long, int, int, const void*, int)>(
      "XChangeProperty")(display, std::stoul(window()), state, state, 32, 0, iconic.data(), 2);
  x.function<int(void*)>("XCloseDisplay")(display);
}

Dashboard::Dashboard(const Screen& screen, const TemporaryFolder& folder,
                     const std::vector<std::string>& arguments,
                     const std::vector<std::string>& under)
    : screen_(&screen),
      description_(folder / "screen.txt"),
      process_({.arguments = with_program(folder, description_, arguments, under),
                .environment = {"DISPLAY=" + screen.display(),
                                "WAYLAND_DISPLAY=", "LIBGL_ALWAYS_SOFTWARE=1"}}) {
  const bool shown = eventually(patience(20s), [&] { return !read_file(description_).empty(); });
  INFO(process_.errors());
  REQUIRE(shown);
  // Without a window manager nobody gives the window the keyboard.
  screen_->act({"search", "--sync", "--onlyvisible", "--name", "Pinion", "windowfocus", "--sync"});
}

std::optional<Dashboard::Item> Dashboard::find(const std::string& name) const {
  std::istringstream lines(read_file(description_));
  std::string line;
  while (std::getline(lines, line)) {
    if (line.compare(0, name.size() + 1, name + "\t") != 0) continue;
    Item item;
    item.name = name;
    std::istringstream fields(line.substr(name.size() + 1));
    fields >> item.left >> item.top >> item.right >> item.bottom;
    std::getline(fields, item.text);
    // A tab and the quotes of a JSON text.
    if (item.text.size() >= 3) item.text = item.text.substr(2, item.text.size() - 3);
    return item;
  }
  return std::nullopt;
}

std::string Dashboard::text_of(const std::string& name) const {
  const auto item = find(name);
  return item ? item->text : "(not there)";
}

void Dashboard::await(const std::string& name, const std::function<bool(const std::string&)>& holds,
                      Micros limit) {
  const bool seen = eventually(patience(limit), [&] {
    const auto item = find(name);
    return item && (!holds || holds(item->text));
  });
  if (seen) return;
  FAIL("'" << name << "' did not come to say what it should. The screen:\n"
           << screen_text() << process_.errors());
}

void Dashboard::await_text(const std::string& name, const std::string& part, Micros limit) {
  INFO("wanted: " << part);
  await(
      name, [&](const std::string& text) { return text.find(part) != std::string::npos; }, limit);
}

void Dashboard::await_gone(const std::string& name, Micros limit) {
  if (eventually(patience(limit), [&] { return !find(name); })) return;
  FAIL("'" << name << "' is still there. The screen:\n" << screen_text() << process_.errors());
}

Dashboard::Input Dashboard::input() const {
  std::istringstream words(text_of("input"));
  Input input;
  std::string skipped;
  std::string rest;
  words >> input.clicks >> skipped >> input.keys >> skipped >> input.characters >> skipped;
  std::getline(words, rest);
  input.at_rest = rest == " at rest";
  return input;
}

void Dashboard::await_input(const std::function<bool(const Input&)>& holds) const {
  if (eventually(patience(15s), [&] { return holds(input()); })) return;
  FAIL("keys and mouse did not come to rest. The screen:\n" << screen_text() << process_.errors());
}

Dashboard::Input Dashboard::await_rest() const {
  Input seen;
  await_input([&](const Input& now) {
    seen = now;
    return now.at_rest;
  });
  return seen;
}

void Dashboard::click(const std::string& name) {
  await(name);
  const Input before_it = await_rest();
  await(name);
  // What arrives from the cluster moves things: the place must have been the same for a while.
  Item item = *find(name);
  int still_for = 0;
  const bool still = eventually(patience(10s), [&] {
    const Item before = item;
    if (const auto now = find(name)) item = *now;
    still_for = item.left == before.left && item.top == before.top ? still_for + 1 : 0;
    return still_for > 20;
  });
  REQUIRE(still);
  const std::string x = std::to_string((item.left + item.right) / 2);
  const std::string y = std::to_string((item.top + item.bottom) / 2);
  screen_->act(
      {"mousemove", x, y, "sleep", "0.06", "mousedown", "1", "sleep", "0.06", "mouseup", "1"});
  await_input([&](const Input& now) { return now.at_rest && now.clicks > before_it.clicks; });
}

void Dashboard::type(const std::string& text) {
  const Input before = await_rest();
  screen_->act({"type", "--delay", "15", text});
  const auto begins = [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U; };
  const auto typed = static_cast<std::uint64_t>(std::count_if(text.begin(), text.end(), begins));
  await_input(
      [&](const Input& now) { return now.at_rest && now.characters >= before.characters + typed; });
}

void Dashboard::key(const std::string& key) {
  const Input before = await_rest();
  screen_->act({"key", "--delay", "40", key});
  const auto parts = static_cast<std::uint64_t>(1 + std::count(key.begin(), key.end(), '+'));
  await_input([&](const Input& now) { return now.at_rest && now.keys >= before.keys + parts; });
}

Micros Dashboard::processor_time() const {
  const std::string text = read_file("/proc/" + std::to_string(process_.pid()) + "/stat");
  // The name of the program may hold anything; the user's and the system's time are far behind it.
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  long user = 0;
  long system = 0;
  fields >> user >> system;
  return Micros((user + system) * 1'000'000 / ::sysconf(_SC_CLK_TCK));
}

void Dashboard::fill(const std::string& name, const std::string& text) {
  click(name);
  key("ctrl+a");
  type(text);
}

}  // namespace pinion::test
