#include "broker/driver/broker_driver.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/base/limits.hpp"

namespace pinion {

namespace {

[[nodiscard]] Now system_now() {
  return {
      .monotonic =
          std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch()),
      .wall =
          std::chrono::duration_cast<Micros>(std::chrono::system_clock::now().time_since_epoch())};
}

constexpr Micros refusals_log_every = 10s;

}  // namespace

BrokerDriver::BrokerDriver(BrokerOptions broker, MetaState state, Transport& transport,
                           MetaStore& store, BrokerDriverOptions options)
    : options_(std::move(options)),
      transport_(transport),
      broker_(std::move(broker), std::move(state), now()),
      writer_(store, [this] { transport_.wake(); }),
      fuse_(options_.memory_fuse_bytes) {}

Now BrokerDriver::now() const { return options_.clock ? options_.clock() : system_now(); }

void BrokerDriver::stop() {
  stop_asked_.store(true);
  transport_.wake();
}

void BrokerDriver::run() {
  Micros stop_at = never;
  while (true) {
    const Now before = now();
    tick_at_ = std::min(tick_at_, broker_.next_tick(before));
    const Micros wake_at = std::min(tick_at_, memory_check_at_);
    transport_.wait(std::max(Micros(0), wake_at - before.monotonic));

    const Now after = now();
    receive(after);
    take_persisted(after);
    // Ticks come last: what peers have said is heard before they are judged.
    if (after.monotonic >= tick_at_) {
      step(after, Tick{});
      tick_at_ = broker_.next_tick(after);
    }
    if (after.monotonic >= memory_check_at_) watch_memory(after);
    if (after.monotonic >= refusals_log_at_) log_refusals(after);

    if (stop_at == never && stop_asked_.load()) {
      step(after, Stop{});
      stop_at = after.monotonic + options_.stop_within;
    }
    const bool settled = broker_.controller().writes_pending() == 0;
    if (stop_at != never && (settled || after.monotonic >= stop_at)) break;
  }
  writer_.stop();
}

void BrokerDriver::receive(const Now& now) {
  for (std::size_t i = 0; i < limits::inbox_batch_max; ++i) {
    std::optional<Incoming> incoming = transport_.try_receive();
    if (!incoming) return;
    if (incoming->link == client_link) {
      step(now, FromClient{std::move(incoming->frames)});
    } else {
      step(now, FromNode{std::move(incoming->frames)});
    }
  }
}

void BrokerDriver::take_persisted(const Now& now) {
  done_.clear();
  writer_.take_done(done_);
  for (MetaWriter::Done& done : done_) {
    if (done.stalled.empty()) {
      step(now, MetaPersisted{done.ticket});
    } else {
      step(now, MetaStalled{std::move(done.stalled)});
    }
  }
}

void BrokerDriver::step(const Now& now, BrokerInput input) {
  broker_.step(now, std::move(input), effects_);
  carry_out(now);
}

void BrokerDriver::carry_out(const Now& now) {
  for (MetaWrite& write : effects_.persist) writer_.push(std::move(write));
  for (const BrokerEvent& event : effects_.events) log_event(event);
  std::vector<NotSent> failed;  // Allocates nothing while all goes well.
  send_all(failed);
  effects_.clear();
  if (failed.empty()) return;
  // A request that could not go on is answered; an answer that could not is only counted. So this
  // goes one level deep.
  for (NotSent& one : failed) broker_.step(now, std::move(one), effects_);
  failed.clear();
  send_all(failed);
  effects_.clear();
  for (NotSent& one : failed) broker_.step(now, std::move(one), effects_);
  effects_.clear();
}

void BrokerDriver::send_all(std::vector<NotSent>& failed) {
  const auto why = [](Sent sent) {
    return sent == Sent::no_peer ? NotSent::Why::no_peer : NotSent::Why::would_block;
  };
  for (Frames& frames : effects_.to_clients) {
    Bytes client = frames.front();
    const Sent sent = transport_.try_send(client_link, std::move(frames));
    if (sent == Sent::queued) continue;
    failed.push_back({.to = NotSent::To::client,
                      .why = why(sent),
                      .return_frame = {},
                      .header = {},
                      .path = {std::move(client)}});
  }
  for (NodeFrames& message : effects_.to_nodes) {
    const Sent sent = transport_.try_send(cluster_link, std::move(message.frames));
    if (sent == Sent::queued) continue;
    failed.push_back({.to = NotSent::To::node,
                      .why = why(sent),
                      .return_frame = std::move(message.return_frame),
                      .header = std::move(message.header),
                      .path = std::move(message.path)});
  }
}

// ---- Memory
// ----------------------------------------------------------------------------------------

void BrokerDriver::watch_memory(const Now& now) {
  memory_check_at_ = now.monotonic + options_.memory_check_every;
  const std::uint64_t bytes = memory_.bytes();
  switch (fuse_.check(now.monotonic, bytes)) {
    case MemoryFuse::Verdict::fine:
      break;
    case MemoryFuse::Verdict::trip:
      log_error("memory fuse tripped; clients are cut off and connect again",
                {{"memory_bytes", bytes}, {"fuse_bytes", options_.memory_fuse_bytes}});
      transport_.reset(client_link);
      step(now, ClientsReset{});
      // Then it is a peer at the nodes' port. Nodes connect again by themselves and go on as
      // before.
      if (fuse_.kept()) transport_.reset(cluster_link);
      break;
    case MemoryFuse::Verdict::trim:
      memory_.trim();
      fuse_.trimmed(memory_.bytes());
      break;
    case MemoryFuse::Verdict::settled:
      memory_.trim();
      fuse_.settle(memory_.bytes());
      log_info("memory after the fuse", {{"memory_bytes", memory_.bytes()}});
      break;
  }
  step(now, Vitals{.memory_bytes = bytes,
                   .fuse_trips = fuse_.trips(),
                   .transport_dropped = transport_.dropped()});
}

// ---- The log
// ---------------------------------------------------------------------------------------

void BrokerDriver::log_event(const BrokerEvent& event) {
  const LogValue node(event.node);
  switch (event.kind) {
    case BrokerEventKind::node_registered:
      return log_info("node registered", {{"node", node}, {"detail", event.detail}});
    case BrokerEventKind::node_refused:
      return log_warn("node refused", {{"node", node}, {"detail", event.detail}});
    case BrokerEventKind::node_lost:
      return log_warn("node lost", {{"node", node}, {"detail", event.detail}});
    case BrokerEventKind::node_stopping:
      return log_info("node stops", {{"node", node}});
    case BrokerEventKind::node_returned:
      return log_info("node is back", {{"node", node}, {"detail", event.detail}});
    case BrokerEventKind::topic_created:
      return log_info("topic created", {{"topic", event.detail}, {"id", event.partition.topic}});
    case BrokerEventKind::topic_deleted:
      return log_info("topic deleted", {{"id", event.partition.topic}});
    case BrokerEventKind::partition_state:
      return log_debug("partition state", {{"topic", event.partition.topic},
                                           {"partition", event.partition.partition},
                                           {"node", node},
                                           {"detail", event.detail}});
    case BrokerEventKind::unclean_election:
      return log_error("records may be lost: unclean election",
                       {{"topic", event.partition.topic},
                        {"partition", event.partition.partition},
                        {"node", node},
                        {"detail", event.detail}});
    case BrokerEventKind::client_evicted:
      return log_debug("client evicted: too many are connected");
    case BrokerEventKind::metadata_stalled:
      return log_error("metadata cannot be written", {{"detail", event.detail}});
    case BrokerEventKind::metadata_resumed:
      return log_info("metadata can be written again");
  }
}

/// What peers can cause at will is counted, and logged in one line now and then.
void BrokerDriver::log_refusals(const Now& now) {
  refusals_log_at_ = now.monotonic + refusals_log_every;
  const BrokerCounters& counters = broker_.counters();
  const RouterCounters& routed = broker_.router().counters();
  const Refusals seen{counters.refused_malformed,
                      counters.replies_dropped + routed.answers_dropped + routed.unread_dropped,
                      counters.node_sends_failed};
  if (seen == logged_) return;
  log_warn("messages refused or dropped",
           {{"malformed", seen.malformed - logged_.malformed},
            {"replies_dropped", seen.replies_dropped - logged_.replies_dropped},
            {"node_sends_failed", seen.node_sends_failed - logged_.node_sends_failed}});
  logged_ = seen;
}

}  // namespace pinion
