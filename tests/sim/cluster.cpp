#include "tests/sim/cluster.hpp"

namespace pinion::sim {

Cluster::Cluster(World& world, const MakeDisk& make_disk)
    : world_(world), prng_(world.options.seed ^ 0x636c7573746572ULL) {
  broker_ = std::make_unique<BrokerProcess>(world_, prng_.next());
  for (std::int32_t id = 1; id <= world_.options.nodes; ++id) {
    nodes_.push_back(std::make_unique<NodeProcess>(
        world_, id, make_disk("store-" + std::to_string(id)), prng_.next()));
  }
}

void Cluster::start() {
  broker_->start();
  for (auto& node : nodes_) node->start();
  for (auto& client : clients_) client->start();
}

void Cluster::heal() {
  broker_->set_meta_room(BrokerProcess::Room::enough);
  broker_->slow_writes(Micros(0));
  if (broker_->paused()) broker_->resume();
  if (!broker_->up()) broker_->start();
  for (auto& node : nodes_) {
    node->disk().set_sync(SyncFault::none);
    node->disk().set_room(-1);
    node->slow_writes(Micros(0));
    node->release_syncs();
    if (node->paused()) node->resume();
    // A partition that halted stays halted until somebody has looked and started the node again;
    // a node that was asked to stop is not left to end when nobody starts it any more.
    if (node->up() && (node->has_halted() || node->stopping())) {
      node->crash(Process::Death::kill);
    }
    if (!node->up()) node->start();
  }
  for (auto& client : clients_) {
    if (client->paused()) client->resume();
    if (!client->up()) client->start();
  }
}

}  // namespace pinion::sim
