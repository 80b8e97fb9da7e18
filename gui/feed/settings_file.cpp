#include "gui/feed/settings_file.hpp"

#include "gui/feed/fresh_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pinion::gui {
namespace {

using namespace std::chrono_literals;

constexpr Micros retry_first = 30s;
constexpr Micros retry_most = 600s;
constexpr auto lock_step = 20ms;

/// Nothing when it cannot be read to its end.
std::optional<std::string> text_of(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 65'536> piece{};
  while (file.read(piece.data(), piece.size()) || file.gcount() > 0) {
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) return std::nullopt;
  return text;
}

/// What is there and cannot be read has no text.
struct Found {
  bool there = false;
  std::optional<std::string> text{};
};

Found find(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error) && !error) return {};
  return {true, text_of(path)};
}

/// A file as it was found; one that is there and cannot be read is not whole.
template <typename Read>
struct FoundFile {
  bool there = false;
  Read read{};
  [[nodiscard]] bool damaged() const { return there && !read.whole; }
};

template <typename Read>
FoundFile<Read> read_file(const std::string& path, Read (*parse)(std::string_view)) {
  const Found found = find(path);
  if (!found.there) return {};
  if (!found.text) return {true, {{}, false}};
  return {true, parse(*found.text)};
}

/// Where the lock is held, it stays so.
std::string unused_name(const std::string& wanted) {
  std::string name = wanted;
  std::error_code error;
  for (int i = 2; std::filesystem::exists(std::filesystem::symlink_status(name, error)); ++i) {
    name = wanted + std::to_string(i);
  }
  return name;
}

bool has_name(const Drafts& drafts, const std::string& name) {
  return std::any_of(drafts.begin(), drafts.end(),
                     [&](const auto& one) { return one->name == name; });
}

/// One dashboard writes at a time. Where a file system knows no locks, none is waited for.
class FileLock {
 public:
  static Result<FileLock> take(const std::string& path, Micros limit) {
    FileLock lock;
    lock.file_ = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    // One that another user's dashboard made is locked as well when it can only be read.
    if (lock.file_ < 0 && errno == EACCES) {
      lock.file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    }
    if (lock.file_ < 0) {
      return failure(Errc::io_failed, "'" + path + "' cannot be written: " + std::strerror(errno));
    }
    const auto give_up = std::chrono::steady_clock::now() + limit;
    while (::flock(lock.file_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) return lock;
      if (std::chrono::steady_clock::now() >= give_up) {
        return failure(Errc::io_failed, "another dashboard holds '" + path + "'");
      }
      std::this_thread::sleep_for(lock_step);
    }
    lock.held_ = true;
    return lock;
  }
  FileLock(FileLock&& other) noexcept
      : file_(std::exchange(other.file_, -1)), held_(std::exchange(other.held_, false)) {}
  FileLock& operator=(FileLock&&) = delete;
  /// False: here nothing can be locked.
  [[nodiscard]] bool held() const noexcept { return held_; }
  ~FileLock() {
    if (file_ >= 0) ::close(file_);
  }

 private:
  FileLock() = default;
  int file_ = -1;
  bool held_ = false;
};

/// What is remembered is its owner's alone, unless that changed the permissions.
void make_folder(const std::string& folder) {
  if (folder.empty() || ::mkdir(folder.c_str(), 0700) == 0 || errno != ENOENT) return;
  const std::string above = std::filesystem::path(folder).parent_path().string();
  if (above == folder) return;
  make_folder(above);
  static_cast<void>(::mkdir(folder.c_str(), 0700));  // That it is not there is told by the file.
}

Result<void> write(const std::string& path, const std::string& text) {
  const auto written = write_whole(path, text, FreshFile::Replaces::yes, FreshFile::Durable::yes,
                                   FreshFile::Readers::owner);
  if (!written) return failure(written.error());
  return {};
}

}  // namespace

Micros retry_after(int failures) {
  Micros wait = retry_first;
  for (int i = 1; i < failures && wait < retry_most; ++i) wait *= 2;
  return std::min(wait, retry_most);
}

SettingsFile::SettingsFile(const std::string& path, std::function<void()> wake, Patience patience)
    : wake_(std::move(wake)), patience_(patience) {
  if (path.empty()) return;
  path_ = followed(path);
  drafts_path_ = followed(path_ + ".drafts");
  thread_ = std::thread([this] { run(); });
}

SettingsFile::~SettingsFile() { close(); }

void SettingsFile::close() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  news_.notify_one();
  thread_.join();
}

Settings SettingsFile::load() {
  if (path_.empty()) return {};
  FoundFile text = read_file(path_, parse_settings);
  Settings settings = std::move(text.read.settings);
  FoundFile file = read_file(drafts_path_, parse_drafts);
  text_damaged_ = text.damaged();
  if (text_damaged_) {
    tell_damage(path_, "Not all of '" + path_ +
                           "' can be read. It stays as it is until something " +
                           "else is to be remembered, and then as a file that ends in .bad.");
  }
  if (file.damaged()) {
    tell_damage(drafts_path_, "Not all of '" + drafts_path_ + "' can be read. It stays as it is " +
                                  "until a record is saved, and then as a file that ends in .bad.");
  }
  // Some may be among the settings, as all were once.
  moves_drafts_ = !settings.drafts.empty();
  Drafts moved = std::exchange(settings.drafts, file.read.drafts);
  for (auto& one : moved) {
    if (!has_name(file.read.drafts, one->name)) settings.drafts.push_back(std::move(one));
  }
  ours_ = std::move(file.read.drafts);
  text_ = write_settings(settings);
  drafts_ = settings.drafts;
  return settings;
}

bool SettingsFile::differ(const Settings& settings) const {
  if (path_.empty()) return false;
  return drafts_ != settings.drafts || text_ != write_settings(settings);
}

void SettingsFile::save(const Settings& settings) {
  if (path_.empty()) return;
  std::string text = write_settings(settings);
  const bool other_text = text != text_;
  const bool other_drafts = drafts_ != settings.drafts;
  if (!other_text && !other_drafts) return;
  // Both together: one that was taken out of its file would come back from among the settings.
  const bool moves = std::exchange(moves_drafts_, false);
  {
    const std::lock_guard lock(mutex_);
    if (other_text || moves) work_.text = text;
    if (other_drafts || moves) work_.drafts = settings.drafts;
    woken_ = true;
  }
  news_.notify_one();
  text_ = std::move(text);
  drafts_ = settings.drafts;
}

std::string SettingsFile::trouble() const {
  const std::lock_guard lock(mutex_);
  if (problem_.empty()) return {};
  return "What is to be remembered is not saved: " + problem_ +
         (ends_ ? "." : ". It is tried again.");
}

void SettingsFile::tell_damage(const std::string& path, std::string text) {
  const std::lock_guard lock(mutex_);
  damage_[path] = std::move(text);
}

std::string SettingsFile::damage() const {
  const std::lock_guard lock(mutex_);
  return told();
}

std::string SettingsFile::told() const {
  std::string all;
  for (const auto& [path, text] : damage_) all += (all.empty() ? "" : " ") + text;
  return all;
}

void SettingsFile::run() {
  std::unique_lock lock(mutex_);
  const auto due = [this] { return ends_ || woken_; };
  for (;;) {
    if (work_.empty()) {
      news_.wait(lock, due);
    } else {
      news_.wait_for(lock, retry_after(failures_), due);
    }
    woken_ = false;
    const bool last = ends_;
    if (work_.empty()) {
      if (last) return;
      continue;
    }
    Work work = std::exchange(work_, {});
    const std::string before = problem_ + told();
    lock.unlock();
    const Result<void> done = carry_out(work, last ? patience_.lock_at_end : patience_.lock);
    lock.lock();
    problem_ = done ? std::string() : done.error().detail;
    failures_ = done ? 0 : failures_ + 1;
    // What is newer by now takes the place of what could not be written.
    if (work.text && !work_.text) work_.text = std::move(work.text);
    if (work.drafts && !work_.drafts) work_.drafts = std::move(work.drafts);
    const bool other = problem_ + told() != before;
    if (last) return;
    if (!other || !wake_) continue;
    lock.unlock();
    wake_();
    lock.lock();
  }
}

/// The drafts first: until they are in their file, they stay where they may have been.
Result<void> SettingsFile::carry_out(Work& work, Micros lock_limit) {
  // Before anything is made beside it.
  PINION_CHECK(check_can_be_file(path_));
  make_folder(std::filesystem::path(path_).parent_path().string());
  PINION_TRY(lock, FileLock::take(path_ + ".lock", lock_limit));
  if (lock.held() && !std::exchange(swept_, true)) {
    remove_remains(path_);
    remove_remains(drafts_path_);
  }
  if (work.drafts) {
    PINION_CHECK(write_drafts_file(*work.drafts));
    work.drafts.reset();
  }
  if (work.text) {
    PINION_CHECK(write_text_file(*work.text));
    work.text.reset();
  }
  return {};
}

Result<void> SettingsFile::write_drafts_file(const Drafts& drafts) {
  FoundFile file = read_file(drafts_path_, parse_drafts);
  // What is damaged, or gone, was not taken out by another dashboard.
  if (!file.there || !file.read.whole) {
    file.read.drafts = merge_drafts({}, ours_, file.read.drafts);
  }
  const std::string text = write_drafts(merge_drafts(ours_, drafts, file.read.drafts));
  PINION_CHECK(file.damaged() ? write_beside_damaged(drafts_path_, text)
                              : write(drafts_path_, text));
  ours_ = drafts;
  return {};
}

/// One that could not be read at the start is none that is known to be worth less than the new one.
Result<void> SettingsFile::write_text_file(const std::string& text) {
  const bool damaged =
      read_file(path_, parse_settings).damaged() || (text_damaged_ && find(path_).there);
  PINION_CHECK(damaged ? write_beside_damaged(path_, text) : write(path_, text));
  text_damaged_ = false;
  return {};
}

/// What is damaged has its second name before another file takes its first; so at no time is what
/// can be read of it out of sight.
Result<void> SettingsFile::write_beside_damaged(const std::string& path, const std::string& text) {
  const std::string bad = unused_name(path + ".bad");
  const bool linked = ::link(path.c_str(), bad.c_str()) == 0;
  // Not all file systems know a second name.
  if (!linked && ::rename(path.c_str(), bad.c_str()) != 0) {
    return failure(Errc::io_failed, "'" + path + "' cannot be put aside: " + std::strerror(errno));
  }
  Result<void> done = write(path, text);
  if (!done) {
    // It will be tried again, and then be put aside again.
    static_cast<void>(linked ? ::unlink(bad.c_str()) : ::rename(bad.c_str(), path.c_str()));
    return done;
  }
  tell_damage(path, "Not all of '" + path + "' could be read: it is '" + bad + "' now.");
  return {};
}

}  // namespace pinion::gui
