#include "partition/driver/partition_driver.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/obs/log.hpp"
#include "common/obs/memory_fuse.hpp"
#include "common/obs/process_memory.hpp"
#include "common/proto/codec.hpp"
#include "partition/driver/driver_clock.hpp"
#include "partition/driver/driver_log.hpp"
#include "partition/driver/reader_thread.hpp"
#include "partition/driver/result_queue.hpp"
#include "partition/driver/store_thread.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace pinion::partition {

namespace {

constexpr Link broker_link{0};
constexpr Link data_link{1};

/// Effects are carried out at the latest after so many inputs, or so many bytes to persist: the
/// disk should not wait for the decoding of a whole inbox.
constexpr std::size_t inputs_before_effects = 32;
constexpr std::size_t persist_bytes_before_effects = 256 * limits::kib;
constexpr Micros measure_every = 1s;
/// A look wakes an idle node. From half of the fuse on a hostile peer may be ahead of it.
constexpr Micros memory_check_every = 400ms;
constexpr Micros high_memory_check_every = 100ms;
constexpr Micros stop_warning_after = 5s;

}  // namespace

class PartitionDriver::Inside {
 public:
  Inside(PartitionDriverOptions options, RecordStore& store, std::unique_ptr<Transport> transport)
      : options_(std::move(options)),
        transport_(std::move(transport)),
        results_(*transport_),
        budget_(std::make_shared<ReadBudget>(limits::reads_inflight_bytes_max)),
        node_(options_.node),
        routing_id_("n" + std::to_string(options_.node.id.raw()) + "." +
                    std::to_string(options_.node.life.incarnation.raw())),
        fuse_(options_.memory_fuse_bytes),
        log_(options_.node.id) {
    for (std::size_t i = 0; i < std::max<std::size_t>(1, options_.store_threads); ++i) {
      store_threads_.push_back(std::make_unique<StoreThread>(store, results_));
    }
    // The last one runs the queries.
    for (std::size_t i = 0; i < std::max<std::size_t>(1, options_.reader_threads) + 1; ++i) {
      reader_threads_.push_back(std::make_unique<ReaderThread>(store, results_, *budget_));
    }
  }

  void start() {
    for (auto& thread : store_threads_) thread->start();
    for (auto& thread : reader_threads_) thread->start();
    thread_ = std::thread([this] { run(); });
  }

  void stop() {
    if (!thread_.joinable()) return;
    stop_wanted_.store(true);
    transport_->wake();
    thread_.join();
    transport_.reset();
  }

  [[nodiscard]] bool registered() const noexcept { return registered_.load(); }

 private:
  void run();
  void begin_to_stop();
  void take_results();
  [[nodiscard]] bool take_messages();
  void on_message(Link link, Frames frames);
  void step(Input input);
  void carry_out_when_due();
  void carry_out();
  void carry_out_store(StoreEffect& effect);
  void carry_out_read(ReadEffect& effect);
  void send(Send& send);
  void send_to_peer(NodeId node, Frames frames);
  void connect(const ConnectPeer& peer);
  void flush_unsent();
  [[nodiscard]] NodeId peer_of(Link link) const noexcept;
  void watch_memory();
  void measure_when_due();
  [[nodiscard]] static std::size_t place_of(PartitionKey key) noexcept {
    return static_cast<std::size_t>(key.topic.raw()) * 31 +
           static_cast<std::size_t>(key.partition.raw());
  }
  [[nodiscard]] StoreThread& store_thread_of(PartitionKey key) noexcept {
    return *store_threads_[place_of(key) % store_threads_.size()];
  }
  [[nodiscard]] ReaderThread& reader_thread_of(PartitionKey key) noexcept {
    return *reader_threads_[place_of(key) % (reader_threads_.size() - 1)];
  }

  const PartitionDriverOptions options_;
  std::unique_ptr<Transport> transport_;
  ResultQueue results_;
  std::shared_ptr<ReadBudget> budget_;
  std::vector<std::unique_ptr<StoreThread>> store_threads_;
  std::vector<std::unique_ptr<ReaderThread>> reader_threads_;

  // The I/O thread's own.
  Node node_;
  Now now_;
  Effects effects_;
  std::size_t inputs_ = 0;         ///< Since effects were carried out.
  std::size_t persist_bytes_ = 0;  ///< Among them.
  std::vector<Input> result_batch_;
  std::deque<Frames> unsent_;  ///< To the broker.
  /// Another node. What is sent while the connection is being made waits; a socket refuses it.
  struct Peer {
    Link link{0};
    std::deque<Frames> unsent;
  };
  std::map<NodeId, Peer> peers_;
  std::string routing_id_;  ///< At other nodes' data sockets.
  std::map<PartitionKey, std::shared_ptr<const LogIdentity>> identities_;
  std::map<Ticket, std::shared_ptr<GivenUp>>
      queries_;  ///< Under way; at most queries_inflight_max.
  ProcessMemory memory_;
  MemoryFuse fuse_;
  Micros memory_check_at_{0};
  DriverLog log_;
  std::uint64_t malformed_ = 0;
  std::uint64_t unsent_to_peers_ = 0;
  Micros measure_at_{0};
  bool measuring_disk_ = false;
  Micros stopping_since_ = never;

  std::atomic<bool> stop_wanted_{false};
  std::atomic<bool> registered_{false};
  std::thread thread_;
};

void PartitionDriver::Inside::run() {
  while (true) {
    now_ = read_clocks();
    if (stop_wanted_.load() && stopping_since_ == never) begin_to_stop();
    flush_unsent();
    take_results();
    carry_out();  // Answers first: they are what somebody waits for.
    const bool more = take_messages();
    if (now_.monotonic >= memory_check_at_) watch_memory();
    measure_when_due();
    step(Tick{});
    carry_out();
    registered_.store(node_.link() == LinkState::registered, std::memory_order_relaxed);
    if (node_.stopped()) break;
    if (more) continue;
    // Memory grows without a message becoming readable, so it is looked at whatever happens.
    Micros sleep = std::min(node_.next_deadline(), memory_check_at_) - now_.monotonic;
    if (stopping_since_ != never) sleep = std::min<Micros>(sleep, 100ms);
    if (!unsent_.empty()) sleep = std::min<Micros>(sleep, 100ms);
    if (sleep > Micros{0}) transport_->wait(sleep);
  }
  for (auto& thread : reader_threads_) thread->stop();
  for (auto& thread : store_threads_) thread->stop();
  flush_unsent();
  registered_.store(false);
}

void PartitionDriver::Inside::begin_to_stop() {
  stopping_since_ = now_.monotonic;
  budget_->close();  // A broker that takes no answers must not keep the files from being closed.
  step(Stop{});
}

void PartitionDriver::Inside::take_results() {
  result_batch_.clear();
  results_.take_all(result_batch_);
  for (Input& result : result_batch_) {
    if (std::holds_alternative<DiskChanged>(result)) measuring_disk_ = false;
    if (const auto* queried = std::get_if<Queried>(&result)) queries_.erase(queried->ticket);
    step(std::move(result));
  }
}

/// True when there may be more: results are looked at in between, so that no answer waits for long.
bool PartitionDriver::Inside::take_messages() {
  std::size_t bytes = 0;
  for (std::size_t taken = 0; taken < limits::inbox_batch_max; ++taken) {
    if (bytes >= limits::inbox_batch_bytes_max) return true;
    if (unsent_.size() >= limits::node_unsent_max) return false;
    std::optional<Incoming> incoming = transport_->try_receive();
    if (!incoming) return false;
    bytes += size_of(incoming->frames);
    on_message(incoming->link, std::move(incoming->frames));
    carry_out_when_due();
  }
  return true;
}

void PartitionDriver::Inside::on_message(Link link, Frames frames) {
  Result<SplitMessage> parts = split(std::move(frames));
  if (!parts) {
    ++malformed_;
    log_.malformed(parts.error().detail, now_.monotonic);
    return;
  }
  Result<Message> message = decode_message(*parts);
  if (!message) {
    if (const std::optional<Header> header = salvage_header(parts->header.view())) {
      step(Malformed{std::move(parts->path), *header, std::move(message).error(),
                     link == broker_link ? Way::broker : Way::data});
      return;
    }
    ++malformed_;
    log_.malformed(message.error().detail, now_.monotonic);
    return;
  }
  persist_bytes_ += size_of(message->records);
  if (link == broker_link) {
    step(FromBroker{std::move(parts->path), std::move(*message)});
    return;
  }
  step(FromPeer{peer_of(link), std::move(parts->path), std::move(*message)});
}

void PartitionDriver::Inside::step(Input input) {
  ++inputs_;
  node_.step(now_, std::move(input), effects_);
}

void PartitionDriver::Inside::carry_out_when_due() {
  if (inputs_ >= inputs_before_effects || persist_bytes_ >= persist_bytes_before_effects) {
    carry_out();
  }
}

void PartitionDriver::Inside::carry_out() {
  inputs_ = 0;
  persist_bytes_ = 0;
  for (StoreEffect& effect : effects_.store) carry_out_store(effect);
  for (NodeStoreEffect& effect : effects_.node_store) {
    store_threads_.front()->push(std::move(effect));
  }
  for (ReadEffect& effect : effects_.reads) carry_out_read(effect);
  for (const Ticket ticket : effects_.queries_given_up) {
    const auto query = queries_.find(ticket);
    if (query != queries_.end()) query->second->store(true);
  }
  if (effects_.reset_link) {
    unsent_.clear();  // Of a connection that is gone: whoever waits asks again.
    transport_->reset(broker_link);
  }
  for (const ConnectPeer& peer : effects_.peers) connect(peer);
  for (Send& message : effects_.sends) send(message);
  for (const Event& event : effects_.events) log_.write(event, now_.monotonic);
  effects_.clear();
}

void PartitionDriver::Inside::carry_out_store(StoreEffect& effect) {
  const PartitionKey key = effect.key;
  if (const auto* open = std::get_if<OpenLog>(&effect.op)) {
    identities_[key] = std::make_shared<const LogIdentity>(open->identity);
  } else if (std::holds_alternative<CloseLog>(effect.op)) {
    identities_.erase(key);
    reader_thread_of(key).push(ForgetReader{key});
    reader_threads_.back()->push(ForgetReader{key});
  }
  store_thread_of(key).push(std::move(effect));
}

void PartitionDriver::Inside::carry_out_read(ReadEffect& effect) {
  const PartitionKey key = effect.key;
  const auto identity = identities_.find(key);
  PINION_ASSERT(identity != identities_.end());
  if (std::holds_alternative<RunQuery>(effect.op)) {
    const auto given_up = std::make_shared<GivenUp>(false);
    queries_.emplace(effect.ticket, given_up);
    reader_threads_.back()->push(ReadWork{std::move(effect), identity->second, given_up});
  } else {
    reader_thread_of(key).push(ReadWork{std::move(effect), identity->second, nullptr});
  }
}

void PartitionDriver::Inside::send(Send& send) {
  Message& message = send.message;
  Frames frames = join(send.path, encode_header(message.header), encode_body(message.body),
                       std::move(message.records));
  if (send.way == Way::data) {
    // A follower that is gone or does not read asks again.
    if (transport_->try_send(data_link, std::move(frames)) != Sent::queued) ++unsent_to_peers_;
    return;
  }
  if (send.way == Way::peer) return send_to_peer(send.peer, std::move(frames));
  if (unsent_.empty() && transport_->try_send(broker_link, frames) == Sent::queued) return;
  unsent_.push_back(std::move(frames));
}

void PartitionDriver::Inside::send_to_peer(NodeId node, Frames frames) {
  const auto found = peers_.find(node);
  if (found == peers_.end()) {
    ++unsent_to_peers_;
    return;
  }
  Peer& peer = found->second;
  const bool in_order = peer.unsent.empty();
  if (in_order && transport_->try_send(peer.link, frames) == Sent::queued) return;
  if (peer.unsent.size() < limits::node_unsent_to_peer_max) {
    peer.unsent.push_back(std::move(frames));
  } else {
    ++unsent_to_peers_;  // It is asked again when its time is over.
  }
}

/// A fresh connection, in the place of any other one to that node.
void PartitionDriver::Inside::connect(const ConnectPeer& peer) {
  const auto old = peers_.find(peer.peer);
  if (old != peers_.end()) {
    transport_->disconnect(old->second.link);  // What waits there is of its former life.
    peers_.erase(old);
  }
  const Result<Link> link = transport_->connect(peer.address, routing_id_);
  if (link) {
    peers_.emplace(peer.peer, Peer{*link, {}});
  } else {
    log_warn("no connection to another node", {{"node", options_.node.id},
                                               {"to", peer.peer},
                                               {"error", std::string_view(link.error().detail)}});
  }
}

NodeId PartitionDriver::Inside::peer_of(Link link) const noexcept {
  for (const auto& [node, other] : peers_) {
    if (other.link == link) return node;
  }
  return node_none;
}

void PartitionDriver::Inside::flush_unsent() {
  while (!unsent_.empty()) {
    if (transport_->try_send(broker_link, unsent_.front()) != Sent::queued) break;
    unsent_.pop_front();
  }
  for (auto& [node, peer] : peers_) {
    while (!peer.unsent.empty()) {
      if (transport_->try_send(peer.link, peer.unsent.front()) != Sent::queued) break;
      peer.unsent.pop_front();
    }
  }
}

/// Anybody may connect to the data socket, and nothing else bounds a message that never ends. What
/// followers had under way there they ask for again.
void PartitionDriver::Inside::watch_memory() {
  const std::uint64_t bytes = memory_.bytes();
  const bool is_high = bytes >= options_.memory_fuse_bytes / 2;
  memory_check_at_ = now_.monotonic + (is_high ? high_memory_check_every : memory_check_every);
  switch (fuse_.check(now_.monotonic, bytes)) {
    case MemoryFuse::Verdict::fine:
      return;
    case MemoryFuse::Verdict::trip:
      log_error("memory fuse tripped; other nodes are cut off and connect again",
                {{"node", options_.node.id},
                 {"memory_bytes", bytes},
                 {"fuse_bytes", options_.memory_fuse_bytes}});
      transport_->reset(data_link);
      return;
    case MemoryFuse::Verdict::trim:
      memory_.trim();
      fuse_.trimmed(memory_.bytes());
      return;
    case MemoryFuse::Verdict::settled:
      memory_.trim();
      fuse_.settle(memory_.bytes());
      log_info("memory after the fuse",
               {{"node", options_.node.id}, {"memory_bytes", memory_.bytes()}});
      return;
  }
}

void PartitionDriver::Inside::measure_when_due() {
  // Along with whatever woke the thread; nothing is woken for it.
  if (now_.monotonic < measure_at_) return;
  measure_at_ = now_.monotonic + measure_every;
  if (!measuring_disk_) store_threads_.front()->push(MeasureDisk{});
  measuring_disk_ = true;
  LoadMeasured load;
  load.memory_bytes = memory_.bytes();
  load.refused = malformed_ + transport_->dropped() + unsent_to_peers_ + fuse_.trips();
  load.open_files = options_.open_files ? static_cast<std::uint32_t>(options_.open_files()) : 0;
  std::vector<std::uint32_t> times;
  for (const auto& thread : store_threads_) {
    load.commits += thread->times().count();
    thread->times().collect(times);
  }
  if (!times.empty()) {
    std::sort(times.begin(), times.end());
    load.commit_p50_us = times[times.size() / 2];
    load.commit_p99_us = times[times.size() * 99 / 100];
  }
  step(load);
  if (stopping_since_ != never && now_.monotonic - stopping_since_ >= stop_warning_after) {
    const bool query_runs = node_.view().queries_inflight > 0;
    log_warn(
        query_runs ? "still stopping: a query has not ended" : "still stopping: a disk is slow",
        {{"node", options_.node.id}});
  }
}

// ---- PartitionDriver

Result<std::unique_ptr<PartitionDriver>> PartitionDriver::start(
    PartitionDriverOptions options, RecordStore& store, std::unique_ptr<Transport> transport) {
  PINION_TRY(membership, store.membership());
  PINION_TRY(life, store.begin_life(options.restored));
  options.node.membership = membership;
  options.node.life = life;
  // Nodes that start together must not come back in step.
  options.node.seed =
      std::hash<std::string>{}(life.store_id) ^ static_cast<std::uint64_t>(life.incarnation.raw());
  auto inside = std::make_unique<Inside>(std::move(options), store, std::move(transport));
  inside->start();
  return std::unique_ptr<PartitionDriver>(new PartitionDriver(std::move(inside)));
}

PartitionDriver::PartitionDriver(std::unique_ptr<Inside> inside) noexcept
    : inside_(std::move(inside)) {}

PartitionDriver::~PartitionDriver() { stop(); }

void PartitionDriver::stop() { inside_->stop(); }

bool PartitionDriver::registered() const noexcept { return inside_->registered(); }

}  // namespace pinion::partition
