#include "tests/sim/workload.hpp"

#include "common/base/assert.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace pinion::sim {

template <typename Client, typename... Arguments>
Client& Workload::add(const std::string& name, Arguments&&... arguments) {
  auto& clients = cluster_.clients();
  const auto index = static_cast<std::int32_t>(clients.size());
  auto client = std::make_unique<Client>(world_, index, name, prng_.next(),
                                         std::forward<Arguments>(arguments)...);
  Client& added = *client;
  clients.push_back(std::move(client));
  return added;
}

Workload::Workload(Cluster& cluster, std::uint64_t seed)
    : cluster_(cluster), world_(cluster.world()), prng_(seed) {
  const WorkloadOptions& options = world_.options.workload;
  admin_ = &add<AdminClient>("admin", book_);
  const auto next_process = [this] { return processes_++; };
  for (std::uint32_t i = 0; i < options.raw_producers; ++i) {
    raw_producers_.push_back(&add<RawProducer>("raw-" + std::to_string(i), book_, next_process));
  }
  for (std::uint32_t i = 0; i < options.producers; ++i) {
    producers_.push_back(&add<ProducerClient>("prod-" + std::to_string(i), book_, next_process));
  }
  const auto know_reader = [this](const std::string& reader, PartitionKey key) {
    admin_->know_reader(reader, key);
  };
  for (std::uint32_t i = 0; i < options.consumers; ++i) {
    consumers_.push_back(&add<ConsumerClient>("cons-" + std::to_string(i), book_, know_reader));
  }
  for (std::uint32_t i = 0; i < options.dequeuers; ++i) {
    dequeuers_.push_back(&add<DequeueClient>(
        "deq-" + std::to_string(i), book_,
        options.dequeuers_pool ? DequeueClient::Takes::in_a_pool : DequeueClient::Takes::alone));
  }
  for (std::uint32_t i = 0; i < options.strangers; ++i) {
    strangers_.push_back(&add<StrangerClient>("strange-" + std::to_string(i), book_, next_process));
  }
  add_operators();
}

void Workload::add_operators() {
  const auto node_of = [this](NodeId id) -> NodeProcess& {
    return *cluster_.nodes()[static_cast<std::size_t>(id.raw() - 1)];
  };
  const Machines machines{.stop =
                              [node_of](NodeId id) {
                                NodeProcess& node = node_of(id);
                                if (node.up() && !node.paused()) node.stop();
                              },
                          .start =
                              [node_of](NodeId id) {
                                NodeProcess& node = node_of(id);
                                // One that hangs in its stop is ended first.
                                if (node.up() && node.stopping()) node.crash(Process::Death::kill);
                                if (!node.up()) node.start();
                              },
                          .is_recovering = [this] { return cluster_.is_recovering(); }};
  for (std::uint32_t i = 0; i < world_.options.workload.operators; ++i) {
    operators_.push_back(&add<OperatorClient>("oper-" + std::to_string(i), book_, machines));
  }
}

void Workload::finish() {
  for (OperatorClient* person : operators_) person->finish();
  stage_ = Stage::resting;
  watch();
}

void Workload::send_last() {
  stage_ = Stage::sending_last;
  world_.trace.brief("workload", "sends its last records");
  admin_->finish();
  for (RawProducer* producer : raw_producers_) producer->finish();
  for (ProducerClient* producer : producers_) producer->finish();
  for (ConsumerClient* consumer : consumers_) consumer->finish();
  for (StrangerClient* stranger : strangers_) stranger->finish();
}

void Workload::watch() {
  advance();
  if (stage_ != Stage::done) world_.scheduler.after(20ms, [this] { watch(); });
}

void Workload::advance() {
  if (stage_ == Stage::resting && not_ready_for_last().empty()) {
    if (world_.options.goes_on_without_one) cluster_.take_one_away();
    send_last();
  }
  if (stage_ == Stage::sending_last && all_sent() && admin_->idle() && operated()) {
    stage_ = Stage::catching_up;
    cluster_.bring_back();
    world_.trace.brief("workload", "catches up");
    for (DequeueClient* dequeuer : dequeuers_) dequeuer->finish();
  }
  if (stage_ == Stage::catching_up && all_caught_up() && cluster_.all_in_sync() &&
      !cluster_.is_recovering()) {
    stage_ = Stage::draining;
    admin_->begin_drain(cluster_.broker().durable_meta().partitions);
  }
  if (stage_ == Stage::draining && admin_->drained()) stage_ = Stage::done;
}

/// Whole again, the cluster must get on without any one node, for as long as that is away.
std::string Workload::not_ready_for_last() {
  if (!world_.options.goes_on_without_one) return {};
  if (!operated()) return "the operator waits for an answer";
  if (!admin_->has_base_topics()) return "the topics could not be made";
  const std::string behind = cluster_.out_of_sync();
  return behind.empty() ? cluster_.recovering() : behind;
}

bool Workload::operated() const {
  return std::all_of(operators_.begin(), operators_.end(),
                     [](const OperatorClient* person) { return person->idle(); });
}

bool Workload::all_sent() const {
  return std::all_of(raw_producers_.begin(), raw_producers_.end(),
                     [](const RawProducer* producer) { return producer->idle(); }) &&
         std::all_of(producers_.begin(), producers_.end(),
                     [](const ProducerClient* producer) { return producer->idle(); }) &&
         std::all_of(strangers_.begin(), strangers_.end(),
                     [](const StrangerClient* stranger) { return stranger->idle(); });
}

bool Workload::all_caught_up() const {
  return std::all_of(dequeuers_.begin(), dequeuers_.end(),
                     [](const DequeueClient* dequeuer) { return dequeuer->idle(); }) &&
         std::all_of(consumers_.begin(), consumers_.end(),
                     [](const ConsumerClient* consumer) { return consumer->caught_up(); });
}

/// Of the stage that it is in: what comes after it has not begun.
std::string Workload::unfinished() {
  std::string text;
  const auto ask = [&text](const auto& clients) {
    for (const auto* client : clients) {
      if (text.empty()) text = client->unfinished();
    }
  };
  if (stage_ == Stage::resting) text = not_ready_for_last();
  if (stage_ == Stage::sending_last) {
    text = admin_->unfinished();
    ask(raw_producers_);
    ask(producers_);
    ask(strangers_);
    ask(operators_);
  }
  if (stage_ == Stage::catching_up) {
    ask(consumers_);
    ask(dequeuers_);
    if (text.empty()) text = cluster_.out_of_sync();
  }
  if (stage_ == Stage::draining) text = admin_->unfinished();
  const std::string recovering = cluster_.recovering();
  if (text.empty() || recovering.empty()) return text + recovering;
  return text + "; " + recovering;
}

void Workload::count_outcomes() {
  for (const Outcome outcome : {Outcome::ok, Outcome::fail, Outcome::info, Outcome::pending}) {
    world_.counters.count(std::string("sends: ") + name_of(outcome),
                          world_.checker.count_of(outcome));
  }
  world_.counters.count("records polled", world_.checker.records_polled());
}

}  // namespace pinion::sim
