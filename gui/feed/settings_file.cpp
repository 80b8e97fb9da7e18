#include "gui/feed/settings_file.hpp"

#include "gui/feed/fresh_file.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

namespace pinion::gui {
namespace {

std::optional<std::string> text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

}  // namespace

SettingsFile::SettingsFile(std::string path) : path_(std::move(path)) {
  if (path_.empty()) return;
  drafts_path_ = path_ + ".drafts";
  thread_ = std::thread([this] { run(); });
}

SettingsFile::~SettingsFile() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  news_.notify_one();
  thread_.join();
}

Settings SettingsFile::load() const {
  if (path_.empty()) return {};
  Settings settings = parse_settings(text_of(path_).value_or(""));
  // Where there is no such file yet, they may be among the settings.
  if (const auto drafts = text_of(drafts_path_)) settings.drafts = parse_settings(*drafts).drafts;
  return settings;
}

void SettingsFile::keep(const Settings& settings) {
  text_ = write_settings(settings);
  drafts_ = settings.drafts;
  std::error_code error;
  moves_drafts_ = !drafts_.empty() && !std::filesystem::exists(drafts_path_, error);
}

bool SettingsFile::differ(const Settings& settings) const {
  if (path_.empty()) return false;
  return drafts_ != settings.drafts || text_ != write_settings(settings);
}

void SettingsFile::save(const Settings& settings) {
  if (path_.empty()) return;
  std::string text = write_settings(settings);
  const bool other_text = text != text_;
  const bool other_drafts =
      drafts_ != settings.drafts || (other_text && std::exchange(moves_drafts_, false));
  if (!other_text && !other_drafts) return;
  {
    const std::lock_guard lock(mutex_);
    if (other_text) work_.text = text;
    if (other_drafts) work_.drafts = settings.drafts;
  }
  news_.notify_one();
  text_ = std::move(text);
  drafts_ = settings.drafts;
}

void SettingsFile::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    news_.wait(lock, [this] { return ends_ || work_.text || work_.drafts; });
    if (!work_.text && !work_.drafts) return;
    const Work work = std::exchange(work_, {});
    lock.unlock();
    carry_out(work);
    lock.lock();
  }
}

/// The drafts first: until they are in their file, they stay where they may have been.
void SettingsFile::carry_out(const Work& work) const {
  std::error_code error;
  const auto folder = std::filesystem::path(path_).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  const auto write = [](const std::string& path, const std::string& text) {
    const auto written = write_whole(path, text, FreshFile::Replaces::yes, FreshFile::Durable::yes);
    return written.has_value();
  };
  if (work.drafts && !write(drafts_path_, write_drafts(*work.drafts))) return;
  if (work.text) static_cast<void>(write(path_, *work.text));
}

}  // namespace pinion::gui
