// A person who changes the cluster while everything goes on, in the middle of faults: drains nodes
// and keeps them, spreads replicas, takes a node away and puts it back, starts one more node, and
// alters topics. One thing at a time. What an operator asks for may be refused, or its answer lost;
// what clients were promised holds all the same.
#pragma once

#include "tests/sim/raw_client.hpp"
#include "tests/sim/topic_book.hpp"

#include <cstdint>
#include <functional>
#include <set>
#include <string>

namespace pinion::sim {

/// What an operator does at the machines themselves.
struct Machines {
  std::function<void(NodeId)> stop;     ///< A clean stop; it ends by itself.
  std::function<void(NodeId)> start;    ///< Unless it runs.
  std::function<bool()> is_recovering;  ///< A disk has lost something, and that is being mended.
};

class OperatorClient final : public RawClient {
 public:
  OperatorClient(World& world, std::int32_t index, std::string name, std::uint64_t seed,
                 TopicBook& book, Machines machines);

  /// Ends what it has begun. A node that is being drained may stay so, if enough others are left.
  void finish() { finishing_ = true; }
  [[nodiscard]] bool idle() const { return idle_; }
  [[nodiscard]] std::string unfinished() const {
    return idle_ ? "" : name() + " has not come to its end";
  }

 private:
  void begin() override;
  void end_of_life() override { idle_ = false; }
  void next_turn();
  void turn();
  void end();
  void start_late_node();
  void command(NodeCommand what, NodeId node);
  void drain();
  void keep();
  void take_away();
  void remove(NodeId node);
  void alter();
  [[nodiscard]] NodeId some_node();
  [[nodiscard]] NodeId some_drained();

  TopicBook& book_;
  const Machines machines_;
  std::set<NodeId> drained_;  ///< As far as it knows.
  NodeId taken_ = node_none;  ///< Stopped, to be removed and started again.
  bool late_waits_ = false;   ///< One node has not been started yet.
  bool finishing_ = false;
  bool idle_ = false;
};

}  // namespace pinion::sim
