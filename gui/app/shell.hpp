// Shell: what is on the screen around the panels, and which panel that is: clusters as tabs, the
// rail of panels, the line of status. Knows no window and no network of its own: a tab has a feed,
// or in tests a snapshot. UI thread.
#pragma once

#include "gui/model/settings.hpp"
#include "gui/model/snapshot.hpp"
#include "gui/views/browse_view.hpp"
#include "gui/views/cluster_view.hpp"
#include "gui/views/connect_view.hpp"
#include "gui/views/consumer_view.hpp"
#include "gui/views/producer_view.hpp"
#include "gui/views/sql_view.hpp"
#include "gui/views/ui.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pinion::gui {

enum class Panel : std::uint8_t { cluster, produce, consume, browse, sql };
[[nodiscard]] std::string_view name_of(Panel panel);

/// Where a tab's snapshots come from and its commands go to.
class SnapshotSource {
 public:
  SnapshotSource() = default;
  virtual ~SnapshotSource() = default;
  SnapshotSource(const SnapshotSource&) = delete;
  SnapshotSource& operator=(const SnapshotSource&) = delete;
  [[nodiscard]] virtual std::shared_ptr<const Snapshot> snapshot() = 0;
  /// False: the queue is full.
  [[nodiscard]] virtual bool post(Command command) = 0;
  /// It is about to end, and begins with what that takes. Must not wait.
  virtual void stop() {}
};
using SourceFactory = std::function<std::unique_ptr<SnapshotSource>(const std::string& address)>;

class Shell {
 public:
  Shell(Settings settings, SourceFactory open);
  ~Shell();

  void connect(const std::string& address);
  void show(Panel panel);
  /// One frame. Requires: ImGui::NewFrame() was called; ui.now is the present.
  void draw(Ui& ui);
  /// Ends a tab's feed where that holds up nothing.
  using Retire = std::function<void(std::unique_ptr<SnapshotSource>)>;
  void on_retire(Retire retire) { retire_ = std::move(retire); }

  /// Of the settings' files: what is not saved, and what could not be read; empty: nothing.
  void set_trouble(std::string trouble, std::string damage);
  /// No frame follows.
  void stop();

  [[nodiscard]] Settings& settings() noexcept { return settings_; }
  /// Of the tab in front; nothing without one.
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const;
  /// What the program must draw next at the latest by itself, in monotonic time.
  [[nodiscard]] Micros next_frame_at(Micros monotonic_now) const;
  /// True once after the theme was changed.
  [[nodiscard]] bool take_theme_change() noexcept { return std::exchange(theme_changed_, false); }

  // For scenes of screenshots and tests.
  struct Tab {
    std::string address;
    std::unique_ptr<SnapshotSource> source;
    std::shared_ptr<const Snapshot> snapshot;
    ProducerState producer;
    ConsumerState consumer;
    ClusterState cluster;
    BrowseState browse;
    SqlState sql;
    std::uint64_t lost_commands = 0;
    bool remembered = false;  ///< Its address, among the recent ones.
  };
  [[nodiscard]] Tab* front();

 private:
  void draw_top(Ui& ui);
  /// Where they end.
  float draw_tabs(Ui& ui, float left, float right);
  void draw_tab(Ui& ui, int index, float width);
  [[nodiscard]] static float tab_width(const Ui& ui, const Tab& tab);
  [[nodiscard]] static float rail_room(const Ui& ui);
  void remember_tables(Tab& tab);
  void draw_rail(Ui& ui);
  void draw_panel(Ui& ui, Tab& tab);
  void draw_status(Ui& ui);
  void follow(Ui& ui, Tab& tab);
  void handle_keys(const Ui& ui);
  void close_tab(int index);

  Settings settings_;
  SourceFactory open_;
  Retire retire_;
  std::vector<std::unique_ptr<Tab>> tabs_;
  int front_ = -1;
  Panel panel_ = Panel::cluster;
  bool connecting_ = false;  ///< The connect panel is in front.
  ConnectState connect_;
  bool theme_changed_ = false;
  std::string trouble_;
  std::string damage_;
  std::string put_away_;  ///< The damage that a person has seen.
  std::string shown_;     ///< The panel of the last frame, to know one that was just opened.
};

}  // namespace pinion::gui
