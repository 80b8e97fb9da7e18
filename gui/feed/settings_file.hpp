// SettingsFile: the dashboard's settings on the disk, and beside them the records that were saved,
// which may be many MiB and so have a file of their own: FILE and FILE.drafts. Both are written by
// a thread of its own, whole or not at all, and only when they changed; so no frame waits for a
// disk, and none copies a record. What could not be written is tried again, and told.
//
// Several dashboards may have the same file: each adds and removes its own records, one at a time
// (FILE.lock); of the settings those of the last one stay.
//
// UI thread, but for what the writing thread does.
#pragma once

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "gui/model/settings.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace pinion::gui {

/// After so many failures, one after the other, it is tried again: half a minute, and twice as long
/// each time up to ten minutes, for each time all records are written.
[[nodiscard]] Micros retry_after(int failures);

class SettingsFile {
 public:
  /// How long another dashboard's writing is waited for.
  struct Patience {
    Micros lock = 5s;
    Micros lock_at_end = 60s;  ///< For nothing is tried again then.
  };
  /// Empty: nothing is remembered. `wake` is called by another thread when trouble() or damage() is
  /// another.
  explicit SettingsFile(const std::string& path, std::function<void()> wake = {})
      : SettingsFile(path, std::move(wake), Patience{}) {}
  SettingsFile(const std::string& path, std::function<void()> wake, Patience patience);
  /// As close().
  ~SettingsFile();
  SettingsFile(const SettingsFile&) = delete;
  SettingsFile& operator=(const SettingsFile&) = delete;

  /// The first call. What it returns is what is saved; to be compared with.
  [[nodiscard]] Settings load();
  [[nodiscard]] bool differ(const Settings& settings) const;
  /// What differs, soon, by the other thread; of several the last.
  void save(const Settings& settings);
  /// What was given to save() is on the disk then, if the disk takes it. The last call.
  void close();
  /// Why what was given to save() is not on the disk, in a sentence or two; empty: it is, or soon.
  [[nodiscard]] std::string trouble() const;
  /// What could not be read, and where it is.
  [[nodiscard]] std::string damage() const;

 private:
  struct Work {
    std::optional<std::string> text{};
    std::optional<Drafts> drafts{};
    [[nodiscard]] bool empty() const { return !text && !drafts; }
  };
  void run();
  /// What was written is taken out of it.
  [[nodiscard]] Result<void> carry_out(Work& work, Micros lock_limit);
  [[nodiscard]] Result<void> write_drafts_file(const Drafts& drafts);
  [[nodiscard]] Result<void> write_text_file(const std::string& text);
  [[nodiscard]] Result<void> write_beside_damaged(const std::string& path, const std::string& text);
  void tell_damage(const std::string& path, std::string text);
  /// Requires: the mutex is held.
  [[nodiscard]] std::string told() const;

  std::string path_;  ///< No link, or one that leads nowhere.
  std::string drafts_path_;
  std::function<void()> wake_;
  const Patience patience_;
  std::string text_;  ///< As it is saved, or will be.
  Drafts drafts_;
  bool moves_drafts_ = false;  ///< Some are still among the settings, as once.

  bool swept_ = false;         ///< What a killed program left was removed.
  bool text_damaged_ = false;  ///< When it was read, and not written since.
  /// The records as they were here when their file was last written: what a merge goes out from. In
  /// the file there may be others. After load() the other thread's.
  Drafts ours_;

  mutable std::mutex mutex_;
  std::condition_variable news_;
  Work work_;           ///< New, or not written yet.
  bool woken_ = false;  ///< There is something new to be done.
  int failures_ = 0;    ///< One after the other.
  bool ends_ = false;
  std::map<std::string, std::string> damage_;  ///< Of what was read, by its path.
  std::string problem_;                        ///< Why something is not written.
  std::thread thread_;
};

}  // namespace pinion::gui
