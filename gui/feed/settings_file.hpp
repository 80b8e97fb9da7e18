// SettingsFile: the dashboard's settings on the disk, and beside them the records that were saved,
// which may be many MiB and so have a file of their own: FILE and FILE.drafts. Both are written by
// a thread of its own, whole or not at all, and only when they changed; so no frame waits for a
// disk, and none copies a record.
//
// UI thread, but for what the writing thread does.
#pragma once

#include "gui/model/settings.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace pinion::gui {

class SettingsFile {
 public:
  /// Empty: nothing is remembered.
  explicit SettingsFile(std::string path);
  /// What was given to save() is on the disk then, if the disk takes it.
  ~SettingsFile();
  SettingsFile(const SettingsFile&) = delete;
  SettingsFile& operator=(const SettingsFile&) = delete;

  [[nodiscard]] Settings load() const;
  /// From now on these are what is saved; to be compared with.
  void keep(const Settings& settings);
  [[nodiscard]] bool differ(const Settings& settings) const;
  /// What differs, soon, by the other thread; of several the last.
  void save(const Settings& settings);

 private:
  struct Work {
    std::optional<std::string> text{};
    std::optional<Drafts> drafts{};
  };
  void run();
  void carry_out(const Work& work) const;

  std::string path_;
  std::string drafts_path_;
  std::string text_;  ///< As it is saved, or will be.
  Drafts drafts_;
  bool moves_drafts_ = false;  ///< They are still among the settings, as once.

  std::mutex mutex_;
  std::condition_variable news_;
  Work work_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace pinion::gui
