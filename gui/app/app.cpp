#include "gui/app/app.hpp"

#include "common/base/text.hpp"
#include "gui/app/clipboard.hpp"
#include "gui/feed/feed.hpp"
#include "gui/feed/fresh_file.hpp"
#include "gui/views/connect_view.hpp"
#include "gui/views/imgui_versions.hpp"

#include <algorithm>
#include <cfloat>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <utility>

#include <time.h>

namespace pinion::gui {
namespace {

constexpr Micros save_after = 2s;
constexpr Micros said_after = 1s;
constexpr Micros cursor_blink = 400ms;

/// A cluster over the network.
class FeedSource final : public SnapshotSource {
 public:
  explicit FeedSource(const std::string& address)
      : feed_({.address = address, .wake = [] { Window::wake(); }}) {}
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() override { return feed_.snapshot(); }
  [[nodiscard]] bool post(Command command) override { return feed_.post(std::move(command)); }
  void stop() override { feed_.stop(); }

 private:
  Feed feed_;
};

Micros thread_time() {
  timespec time{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) return Micros{0};
  return Micros(std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1'000);
}

/// Nothing is to be seen of the program any more: after a while it says what it still does.
class LongWait {
 public:
  LongWait() : thread_([this] { run(); }) {}
  ~LongWait() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    news_.notify_one();
    thread_.join();
  }
  LongWait(const LongWait&) = delete;
  LongWait& operator=(const LongWait&) = delete;

 private:
  void run() {
    std::unique_lock lock(mutex_);
    if (news_.wait_for(lock, said_after, [this] { return over_; })) return;
    std::fputs("pinion-dashboard: what is remembered or exported is still on its way to the disk\n",
               stderr);
  }

  std::mutex mutex_;
  std::condition_variable news_;
  bool over_ = false;
  std::thread thread_;
};

Micros time_until(Micros next, Micros now) {
  return next >= never ? Micros(3'600s) : std::max(Micros{0}, next - now);
}

void move_mouse_away() {
#if IMGUI_VERSION_NUM >= 18700
  ImGui::GetIO().AddMousePosEvent(-FLT_MAX, -FLT_MAX);
#else
  ImGui::GetIO().MousePos = {-FLT_MAX, -FLT_MAX};
#endif
}

}  // namespace

Now read_clocks() {
  using std::chrono::duration_cast;
  return {duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch()),
          duration_cast<Micros>(std::chrono::system_clock::now().time_since_epoch())};
}

std::string default_settings_file() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  if (config != nullptr && *config == '/') return std::string(config) + "/pinion/dashboard.conf";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return {};
  return std::string(home) + "/.config/pinion/dashboard.conf";
}

Result<std::unique_ptr<App>> App::open(const Options& options, Micros started) {
  std::unique_ptr<App> app(new App);
  app->options_ = options;
  app->started_ = started;
  const bool canned = options.demo || options.measure || !options.screenshots.empty();
  std::string file;
  if (!canned) {
    file = options.settings_file.empty() ? default_settings_file() : options.settings_file;
  }
  app->settings_file_ = std::make_unique<SettingsFile>(std::move(file), [] { Window::wake(); });
  Settings settings = app->settings_file_->load();
  app->found_ = settings;
  app->found_.drafts.clear();
  if (options.dark) settings.dark = *options.dark;
  if (options.scale) settings.scale = *options.scale;
  if (options.width > 0) settings.window_width = options.width;
  if (options.height > 0) settings.window_height = options.height;
  IMGUI_CHECKVERSION();
  ImGui::CreateContext();
  ImGuiIO& io = ImGui::GetIO();
  io.IniFilename = nullptr;
  io.ConfigFlags |= ImGuiConfigFlags_NavEnableKeyboard;
  io.ConfigInputTextCursorBlink = true;
  NarrowText& narrow = app->ui_.narrow;
  auto window = Window::open({settings.window_width, settings.window_height, true,
                              [&narrow](std::uint32_t code) { return narrow.narrow(code); }});
  if (!window) {
    ImGui::DestroyContext();
    return failure(std::move(window.error()));
  }
  app->window_ = std::move(*window);
  wrap_clipboard(narrow);
  app->scale_ = settings.scale * app->window_->content_scale();
  app->ui_.describes = !options.describe_file.empty();
  app->ui_.now = read_clocks();
  const bool demo = canned;
  const Scene scene = options.demo.value_or(Scene::ordinary);
  app->shell_ = std::make_unique<Shell>(
      std::move(settings),
      [demo, scene](const std::string& address) -> std::unique_ptr<SnapshotSource> {
        if (demo) return std::make_unique<SceneSource>(make_scene(scene, read_clocks()));
        return std::make_unique<FeedSource>(address);
      });
  app->shell_->on_retire([raw = app.get()](std::unique_ptr<SnapshotSource> source) {
    raw->retiring_.emplace_back([source = std::move(source)]() mutable { source.reset(); });
  });
  if (options.demo) {
    app->shell_->connect("tcp://10.0.0.5:5550");
  } else if (!canned) {
    std::vector<std::string> brokers;
    for (const std::string& broker : options.brokers) brokers.push_back(full_address(broker));
    if (brokers.empty()) brokers = app->shell_->settings().open;
    for (const std::string& broker : brokers) app->shell_->connect(broker);
  }
  return app;
}

App::~App() { close(); }

bool App::close() {
  if (!window_) return true;
  window_->hide();
  const LongWait wait;
  settings_file_->save(to_remember());
  shell_->stop();
  shell_.reset();
  for (std::thread& thread : retiring_) thread.join();
  settings_file_->close();  // It wakes the window.
  const std::string trouble = settings_file_->trouble();
  for (const std::string& said : {trouble, settings_file_->damage()}) {
    if (!said.empty()) std::fprintf(stderr, "pinion-dashboard: %s\n", said.c_str());
  }
  window_.reset();
  ImGui::DestroyContext();
  return trouble.empty();
}

void App::set_dark(bool dark) {
  shell_->settings().dark = dark;
  style_dirty_ = true;
}

void App::set_scale(float scale) {
  scale_ = scale;
  style_dirty_ = true;
}

/// The smallest window shows at any scale what it shows at the first.
void App::follow_scale() {
  if (window_->take_scale_change()) {
    set_scale(shell_->settings().scale * window_->content_scale());
  }
  if (smallest_at_ > 0 && std::fabs(smallest_at_ - scale_) < 0.01F) return;
  smallest_at_ = scale_;
  window_->set_smallest(static_cast<int>(900 * scale_), static_cast<int>(600 * scale_));
}

void App::apply_style() {
  if (style_dirty_) {
    ui_.theme = shell_->settings().dark ? dark_theme() : light_theme();
    ui_.scale = scale_;
    apply_theme(ui_.theme, scale_);
  }
  const bool glyphs = ui_.glyphs.take_news();
  if (!style_dirty_ && !glyphs) return;
  style_dirty_ = false;
  ui_.fonts = fonts_.build(scale_, ui_.glyphs);
  window_->remake_font_texture();
}

App::FrameTimes App::frame() {
  const Micros begin = read_clocks().monotonic;
  const Micros thread_begin = thread_time();
  ui_.now = frozen_.value_or(read_clocks());
  ui_.begin_frame();
  apply_style();
  window_->begin_frame();
  if (frozen_) move_mouse_away();
  ImGui::NewFrame();
  push_font(ui_.fonts.body);
  shell_->set_trouble(settings_file_->trouble(), settings_file_->damage());
  shell_->draw(ui_);
  ImGui::PopFont();
  ImGui::Render();
  const Micros built = read_clocks().monotonic;
  const Micros thread_built = thread_time();
  const ImVec4 ground = ImGui::ColorConvertU32ToFloat4(ui_.theme.ground);
  const auto part = [](float value) { return static_cast<std::uint32_t>(value * 255 + 0.5F); };
  window_->end_frame((part(ground.x) << 16U) | (part(ground.y) << 8U) | part(ground.z));
  ++frames_;
  const Micros end = read_clocks().monotonic;
  if (frames_ == 1) start_time_ = end - started_;
  if (shell_->take_theme_change()) {
    options_.dark.reset();  // A person's choice is remembered.
    style_dirty_ = true;
    ui_.wants_frame = true;
  }
  if (ui_.describes) describe();
  return {built - begin, thread_built - thread_begin, end - built};
}

void App::describe() {
  std::string text;
  const auto put = [&](const std::string& name, const DescribedItem& item,
                       const std::string& says) {
    std::string quoted;
    append_json_string(quoted, is_utf8(says) ? std::string_view(says) : "?");
    text += name + "\t" + std::to_string(static_cast<int>(item.min.x)) + "\t" +
            std::to_string(static_cast<int>(item.min.y)) + "\t" +
            std::to_string(static_cast<int>(item.max.x)) + "\t" +
            std::to_string(static_cast<int>(item.max.y)) + "\t" + quoted + "\n";
  };
  for (const DescribedItem& item : ui_.described) {
    if (!item.in_sight) continue;
    if (item.focused) put("focus", item, item.name);
    put(item.name, item, item.text);
  }
  const InputCounts input = window_->input_counts();
  put("input", {},
      std::to_string(input.clicks) + " clicks, " + std::to_string(input.keys) + " keys, " +
          std::to_string(input.characters) + " characters, " + (at_rest() ? "at rest" : "busy"));
  if (text == described_) return;
  described_ = text;
  static_cast<void>(
      write_whole(options_.describe_file, text, FreshFile::Replaces::yes, FreshFile::Durable::no));
}

/// What was done has been seen, and popups have found their place.
bool App::at_rest() const { return settle_ <= 0 && !ui_.wants_frame && !window_->holds_keys(); }

Micros App::sleep_for() const {
  if (settle_ > 0 || ui_.wants_frame) return Micros{0};
  const Micros now = read_clocks().monotonic;
  Micros next = std::min(shell_->next_frame_at(now), save_at_);
  if (ImGui::GetIO().WantTextInput) next = std::min(next, now + cursor_blink);
  return time_until(next, now);
}

/// Nothing is drawn, but what was changed before is still to be saved.
Micros App::sleep_minimised_for() const { return time_until(save_at_, read_clocks().monotonic); }

void App::run(const ClosingSignals& signals) {
  while (!window_->should_close() && !signals.came()) {
    const bool input = window_->wait(window_->minimised() ? sleep_minimised_for() : sleep_for());
    if (window_->minimised()) {
      window_->drop_input();
      keep_settings(read_clocks().monotonic);
      continue;
    }
    settle_ = input ? 3 : std::max(0, settle_ - 1);
    follow_scale();
    frame();
    int width = 0;
    int height = 0;
    window_->size(width, height);
    shell_->settings().window_width = width;
    shell_->settings().window_height = height;
    keep_settings(ui_.now.monotonic);
  }
}

/// At most once in two seconds, and only what changed.
void App::keep_settings(Micros now) {
  if (now < compare_at_) return;
  compare_at_ = now + save_after;
  const bool pending = save_at_ < never;
  save_at_ = never;
  const Settings settings = to_remember();
  if (!settings_file_->differ(settings)) return;
  if (!pending) {
    save_at_ = compare_at_;  // Looked at once more, when it has come to rest.
    return;
  }
  settings_file_->save(settings);
}

/// What an option says is for one run, and what was there before it stays in the file.
Settings App::to_remember() const {
  Settings settings = shell_->settings();
  if (options_.dark) settings.dark = found_.dark;
  if (options_.scale) settings.scale = found_.scale;
  if (options_.width > 0) {
    settings.window_width = found_.window_width;
    settings.window_height = found_.window_height;
  }
  return settings;
}

}  // namespace pinion::gui
