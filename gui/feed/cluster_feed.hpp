// ClusterFeed: the connection, the cluster's status every two seconds, and what is
// done to topics and nodes.
#pragma once

#include "gui/feed/feed_context.hpp"
#include "gui/model/cluster.hpp"
#include "gui/model/commands.hpp"
#include "gui/model/reading.hpp"
#include "gui/model/snapshot.hpp"

#include <cstdint>
#include <string>

namespace pinion::gui {

class ClusterFeed {
 public:
  ClusterFeed(FeedContext& context, std::string address);

  void on_tick();
  void ask_status();
  void make_topic(const MakeTopic& command);
  void remove_topic(const RemoveTopic& command);
  void change_topic(const ChangeTopic& command);
  void change_node(const ChangeNode& command);

  void put_into(Snapshot& snapshot) const;
  /// Changes with `topics_version`.
  [[nodiscard]] const ReadTopics& topics() const noexcept { return topics_; }
  [[nodiscard]] std::uint64_t topics_version() const noexcept { return topics_version_; }
  [[nodiscard]] Micros next_deadline() const noexcept;
  void set_invalid(std::string problem);

 private:
  void look_at_connection();
  void look_up_broker();
  void on_status(Result<ClusterStatusReply>&& reply);
  /// Its number.
  std::uint64_t begin(ActionResult& action, std::string text);
  /// `number`: of the action that ends; a later one may have begun since.
  void end(ActionResult& action, std::uint64_t number, bool ok, std::string text);
  /// Of what is known of the cluster.
  [[nodiscard]] Freshness freshness() const;
  void end_change(const ChangeNode& command, std::uint64_t number, std::uint32_t moves);

  FeedContext* context_;
  ConnectionView connection_;
  ClusterModel model_;
  ReadTopics topics_;
  std::uint64_t topics_version_ = 0;
  ActionResult topic_action_;
  ActionResult node_action_;
  bool asking_ = false;
  bool ask_again_ = false;
  Micros ask_at_{0};
  Micros asked_at_{0};
  Micros look_at_{0};
  Micros began_at_{0};  ///< When it was first looked for.
  bool looking_up_ = false;
  Micros look_up_at_{0};
  std::string host_problem_;  ///< The broker's name is none that is found.
};

}  // namespace pinion::gui
