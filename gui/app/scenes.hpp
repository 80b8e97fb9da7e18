// Scenes: made-up clusters as snapshots. For screenshots, for measuring, for the headless tests of
// every panel, and for `pinion-dashboard --demo`. Made by the real models from made-up messages, so
// that a scene cannot show what the program could not. Deterministic but for the time it is made
// at.
#pragma once

#include "common/base/time.hpp"
#include "gui/app/shell.hpp"
#include "gui/model/snapshot.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pinion::gui {

enum class Scene : std::uint8_t {
  empty,     ///< Connected to a cluster without nodes, topics or records.
  ordinary,  ///< Three nodes, a few topics, readers, jobs, a query.
  huge,      ///< 1,000 partitions, 1,000,000 records in the consumer's box, a 100,000-row result.
  broken,    ///< The connection is lost, nodes too, texts are garbage, numbers are absurd.
  nothing,   ///< No broker has ever answered.
};
[[nodiscard]] std::optional<Scene> scene_of(std::string_view name);

[[nodiscard]] std::shared_ptr<const Snapshot> make_scene(Scene scene, const Now& now);

/// As `huge`, with as many topics as a cluster may have: for measuring.
[[nodiscard]] std::shared_ptr<const Snapshot> make_many_topics(int topics, const Now& now);

/// A source that shows one snapshot for ever and passes over commands.
class SceneSource final : public SnapshotSource {
 public:
  explicit SceneSource(std::shared_ptr<const Snapshot> snapshot) : snapshot_(std::move(snapshot)) {}
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() override { return snapshot_; }
  [[nodiscard]] bool post(Command) override { return true; }

 private:
  std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace pinion::gui
