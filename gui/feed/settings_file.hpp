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
#include "gui/model/settings.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace pinion::gui {

class SettingsFile {
 public:
  /// Empty: nothing is remembered. `wake` is called by another thread when trouble() is another.
  explicit SettingsFile(const std::string& path, std::function<void()> wake = {});
  /// As close().
  ~SettingsFile();
  SettingsFile(const SettingsFile&) = delete;
  SettingsFile& operator=(const SettingsFile&) = delete;

  [[nodiscard]] Settings load();
  /// From now on these are what is saved; to be compared with.
  void keep(const Settings& settings);
  [[nodiscard]] bool differ(const Settings& settings) const;
  /// What differs, soon, by the other thread; of several the last.
  void save(const Settings& settings);
  /// What was given to save() is on the disk then, if the disk takes it. The last call.
  void close();
  /// What is wrong with the files, in a sentence or two; empty: nothing.
  [[nodiscard]] std::string trouble() const;

 private:
  struct Work {
    std::optional<std::string> text{};
    std::optional<Drafts> drafts{};
    [[nodiscard]] bool empty() const { return !text && !drafts; }
  };
  void run();
  /// What was written is taken out of it.
  [[nodiscard]] Result<void> carry_out(Work& work);
  [[nodiscard]] Result<void> write_drafts_file(const Drafts& drafts);
  [[nodiscard]] Result<void> write_text_file(const std::string& text);
  [[nodiscard]] Result<void> write_beside_damaged(const std::string& path, const std::string& text);
  void tell_damage(const std::string& path, std::string text);
  /// Requires: the mutex is held.
  [[nodiscard]] std::string damage() const;

  std::string path_;  ///< No link, or one that leads nowhere.
  std::string drafts_path_;
  std::function<void()> wake_;
  std::string text_;  ///< As it is saved, or will be.
  Drafts drafts_;
  bool moves_drafts_ = false;  ///< Some are still among the settings, as once.

  bool swept_ = false;         ///< As text_damaged_: what a killed program left was removed.
  bool text_damaged_ = false;  ///< As written_.
  Drafts written_;  ///< As this one knows them in their file. After keep() the other thread's.

  mutable std::mutex mutex_;
  std::condition_variable news_;
  Work work_;  ///< New, or not written yet.
  bool fresh_ = false;
  bool ends_ = false;
  std::map<std::string, std::string> damage_;  ///< Of what was read, by its path.
  std::string problem_;                        ///< Why something is not written.
  std::thread thread_;
};

}  // namespace pinion::gui
