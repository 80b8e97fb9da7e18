// The I/O thread of ClientDriver.
#include "client/driver/client_driver.hpp"

#include "client/driver/clock.hpp"
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <algorithm>
#include <utility>

namespace pinion::client {
namespace {

constexpr Link broker_link{0};
/// How long a goodbye and what is queued may take to leave.
constexpr Micros shut_down_patience = 100ms;
constexpr Micros auto_commit_deadline = 30s;

}  // namespace

void ClientDriver::run(const TransportFactory& open,
                       const std::function<void(Result<void>)>& opened) {
  io_thread_.store(std::this_thread::get_id());
  auto transport = open();
  if (!transport) {
    commands_.close();
    opened(failure(std::move(transport.error())));
    return;
  }
  transport_ = std::move(*transport);
  waker_.attach(transport_.get());
  now_ = {monotonic_now(), wall_now()};
  step(Tick{});
  tell_status();
  opened({});
  loop();
  shut_down();
  waker_.attach(nullptr);
  transport_.reset();
}

void ClientDriver::loop() {
  while (!stopping_.load()) {
    waker_.take_work();
    now_ = {monotonic_now(), wall_now()};
    const bool more = receive();
    run_commands();
    pump_producers();
    pump_consumers();
    if (now_.monotonic >= session_.next_deadline()) {
      step(Tick{});
      tell_status();
      pump_producers();
    }
    send_queued();
    if (more || !waker_.may_sleep()) continue;
    const Micros pause = sleep_for();
    if (pause > Micros{0} && !stopping_.load()) transport_->wait(pause);
    waker_.awake();
  }
}

/// True when there may be more to receive.
bool ClientDriver::receive() {
  for (std::size_t i = 0; i < limits::inbox_batch_max; ++i) {
    auto incoming = transport_->try_receive();
    if (!incoming) return false;
    const bool was_connected = session_.connected();
    step(FromBroker{std::move(incoming->frames)});
    if (session_.connected() != was_connected || session_.refusal()) tell_status();
    // Room that answers made is used at once: the next batch leaves before the next answer is read.
    pump_producers();
  }
  return true;
}

void ClientDriver::run_commands() {
  taken_.clear();
  commands_.take_all(taken_);
  for (Command& command : taken_) command();
}

void ClientDriver::pump_producers() {
  for (auto& [handle, feed] : producers_) feed.pump(now_.monotonic);
}

void ClientDriver::pump_consumers() {
  std::vector<Consumed> consumed;
  for (auto& [handle, feed] : consumers_) {
    if (feed.buffer->has_consumed()) feed.buffer->take_consumed(handle, consumed);
    if (now_.monotonic >= feed.auto_commit_at) commit_automatically(handle, feed);
  }
  for (const Consumed& one : consumed) step(one);
}

void ClientDriver::commit_automatically(ConsumerHandle handle, ConsumerFeed& feed) {
  feed.auto_commit_at = now_.monotonic + feed.auto_commit_every;
  for (const ReadPosition& position : feed.buffer->processed()) {
    send_commit(handle, position, now_.monotonic + auto_commit_deadline, nullptr);
  }
}

void ClientDriver::send_commit(ConsumerHandle handle, const ReadPosition& position, Micros deadline,
                               std::shared_ptr<CallSlot> slot) {
  const CallId id(++last_call_);
  OpenCall& call = calls_[id];
  call.slot = std::move(slot);
  call.consumer = handle;
  call.position = position;
  step(SendCommit{handle, id, position.key, position.next, position.leader_epoch, deadline});
}

// ---- Carrying out

/// Effects may lead to steps again (a callback sends, a report makes room): each depth has its own.
void ClientDriver::step(Input input) {
  Effects effects;
  if (!spare_effects_.empty()) {
    effects = std::move(spare_effects_.back());
    spare_effects_.pop_back();
  }
  session_.step(now_, std::move(input), effects);
  carry_out(effects);
  effects.clear();
  spare_effects_.push_back(std::move(effects));
}

void ClientDriver::carry_out(Effects& effects) {
  if (effects.reset_link) {
    out_.clear();
    transport_->reset(broker_link);
  }
  for (Frames& frames : effects.sends) out_.push_back(std::move(frames));
  if (!effects.sends.empty()) send_queued();
  for (const RoomChanged& room : effects.rooms) {
    const auto at = producers_.find(room.producer);
    if (at == producers_.end()) continue;
    if (room.key.topic == TopicId{0}) {
      at->second.on_all_rooms();
    } else {
      at->second.on_room(room.key);
    }
  }
  for (TopicChanged& changed : effects.topics) topics_.set(changed.name, std::move(changed.topic));
  const auto buffer_of = [this](ConsumerHandle handle) {
    const auto at = consumers_.find(handle);
    return at == consumers_.end() ? nullptr : at->second.buffer.get();
  };
  for (const PartitionLeft& left : effects.left) {
    if (auto* buffer = buffer_of(left.consumer)) buffer->on_left(left);
  }
  for (const PartitionJoined& joined : effects.joined) {
    if (auto* buffer = buffer_of(joined.consumer)) buffer->on_joined(joined);
  }
  for (const PartitionLocated& located : effects.located) {
    if (auto* buffer = buffer_of(located.consumer)) buffer->on_located(located);
  }
  for (Fetched& fetched : effects.fetched) {
    if (auto* buffer = buffer_of(fetched.consumer)) buffer->on_fetched(std::move(fetched));
  }
  for (const ConsumerProblem& problem : effects.problems) {
    if (auto* buffer = buffer_of(problem.consumer)) buffer->on_problem(problem);
  }
  for (BatchDone& done : effects.batches) {
    const auto at = producers_.find(done.producer);
    PINION_ASSERT(at != producers_.end());
    at->second.on_done(std::move(done));
  }
  for (CallDone& done : effects.calls) end_call(std::move(done));
  for (const Event& event : effects.events) {
    const auto at = producers_.find(event.producer);
    if (at != producers_.end()) at->second.on_event(event.kind);
  }
}

void ClientDriver::end_call(CallDone&& done) {
  const auto at = calls_.find(done.call);
  PINION_ASSERT(at != calls_.end());
  OpenCall call = std::move(at->second);
  calls_.erase(at);
  if (call.consumer && done.reply) {
    const auto consumer = consumers_.find(*call.consumer);
    if (consumer != consumers_.end()) {
      consumer->second.buffer->on_committed(call.position.key, call.position.next);
    }
  }
  if (call.slot) {
    call.slot->put(std::move(done));
  } else if (call.answer) {
    call.answer(std::move(done));
  }
}

void ClientDriver::send_queued() {
  while (!out_.empty()) {
    // A refused message must be offered again, so it is not moved away.
    if (transport_->try_send(broker_link, out_.front()) != Sent::queued) return;
    out_.pop_front();
  }
}

void ClientDriver::tell_status() {
  ConnectionStatus status = session_.status();
  if (status.record_bytes_max > 0) {
    record_bytes_max_.store(static_cast<std::size_t>(status.record_bytes_max));
  }
  const std::lock_guard lock(status_mutex_);
  if (status_.connected && !status.connected) away_since_ = monotonic_now();
  status_ = std::move(status);
  refusal_ = session_.refusal();
  status_changed_.notify_all();
}

Micros ClientDriver::sleep_for() const {
  Micros next = session_.next_deadline();
  for (const auto& [handle, feed] : producers_) next = std::min(next, feed.next_look());
  for (const auto& [handle, feed] : consumers_) next = std::min(next, feed.auto_commit_at);
  return next - monotonic_now();
}

void ClientDriver::shut_down() {
  commands_.close();
  run_commands();
  topics_.close();
  while (!producers_.empty()) {
    auto& [handle, feed] = *producers_.begin();
    feed.accumulator().close();
    step(CloseProducer{handle});
    feed.report_rest();
    producers_.erase(producers_.begin());
  }
  while (!consumers_.empty()) {
    const ConsumerHandle handle = consumers_.begin()->first;
    consumers_.begin()->second.buffer->close();
    step(CloseConsumer{handle});
    consumers_.erase(handle);
  }
  step(Stop{});
  // Commits, whose consumers have gone. Nobody knows whether they arrived.
  while (!calls_.empty()) {
    end_call({calls_.begin()->first, failure(Errc::cancelled, "the client was closed"), false});
  }
  const Micros until = monotonic_now() + shut_down_patience;
  send_queued();
  while (!out_.empty() && monotonic_now() < until && session_.connected()) {
    transport_->wait(1ms);
    send_queued();
  }
  const std::lock_guard lock(status_mutex_);
  status_.connected = false;
  status_.problem = "the client is closed";
  status_changed_.notify_all();
}

}  // namespace pinion::client
