#include "client/core/client_session.hpp"

#include "common/base/assert.hpp"

#include <algorithm>
#include <utility>

namespace pinion::client {
namespace {

Hello make_hello(const SessionOptions& options) {
  Hello hello;
  hello.client_name = options.client_name;
  hello.incarnation = options.incarnation;
  hello.cluster_id = options.cluster_id;
  return hello;
}

}  // namespace

ClientSession::ClientSession(SessionOptions options)
    : wire_(options.seed),
      connection_(options.broker, make_hello(options), wire_),
      metadata_(wire_),
      requests_(wire_, metadata_) {}

void ClientSession::step(const Now& now, Input input, Effects& out) noexcept {
  std::visit([&](auto& what) { on(now, what, out); }, input);
  requests_.pump(now, out);
  use_room(now, out);
  metadata_.pump(now, out);
}

Micros ClientSession::next_deadline() const noexcept {
  Micros next = std::min(connection_.next_deadline(), metadata_.next_deadline());
  next = std::min(next, requests_.next_deadline());
  for (const auto& [handle, producer] : producers_) next = std::min(next, producer.next_deadline());
  for (const auto& [handle, consumer] : consumers_) next = std::min(next, consumer.next_deadline());
  return next;
}

std::optional<std::size_t> ClientSession::batch_worth_sending(ProducerHandle producer,
                                                              PartitionKey key) const {
  const auto at = producers_.find(producer);
  return at == producers_.end() ? std::nullopt : at->second.batch_worth_sending(key);
}

void ClientSession::check_invariants() const {
  for (const auto& [handle, producer] : producers_) producer.check_invariants();
  for (const auto& [handle, consumer] : consumers_) consumer.check_invariants();
}

// ---- Messages

void ClientSession::on(const Now& now, FromBroker& input, Effects& out) {
  ++wire_.counters.messages_in;
  connection_.on_heard(now, size_of(input.frames));
  auto received = decode(std::move(input.frames));
  if (!received) {
    // Its request, if it was an answer, is sent again when its time is over.
    ++wire_.counters.messages_refused;
    out.events.push_back(
        {.kind = EventKind::message_refused, .detail = received.error().to_string()});
    return;
  }
  on_message(now, std::move(received->message), out);
}

void ClientSession::on_message(const Now& now, Message&& message, Effects& out) {
  switch (message.header.kind) {
    case Kind::hello_reply:
      on_change(now, connection_.on_hello_reply(now, message.header, message.body, out), out);
      return;
    case Kind::say_hello:
      on_change(now, connection_.on_say_hello(now, out), out);
      return;
    case Kind::goodbye:
      on_change(now, connection_.on_goodbye(now, out), out);
      return;
    case Kind::metadata_changed:
      if (const auto* change = std::get_if<MetadataChanged>(&message.body)) {
        spread(now, metadata_.on_changed(*change), out);
      }
      return;
    case Kind::pong:
      if (const auto* pong = std::get_if<Pong>(&message.body)) {
        connection_.on_mark(pong->mark);
        metadata_.on_pong(*pong);
      }
      on_answer(now, std::move(message), out);
      return;
    default:
      on_answer(now, std::move(message), out);
  }
}

void ClientSession::on_answer(const Now& now, Message&& message, Effects& out) {
  const auto asker = wire_.take(message.header.request_id, message.header.kind);
  if (!asker) {
    if (message.header.kind != Kind::pong) ++wire_.counters.answers_unasked;
    return;
  }
  switch (asker->kind) {
    case Asker::Kind::connection:
      return;
    case Asker::Kind::metadata:
      spread(now, metadata_.on_reply(now, message.header.request_id, message.body), out);
      return;
    case Asker::Kind::producer: {
      const auto at = producers_.find(ProducerHandle(static_cast<std::uint32_t>(asker->handle)));
      if (at != producers_.end()) at->second.on_answer(now, asker->key, std::move(message), out);
      return;
    }
    case Asker::Kind::consumer: {
      const auto at = consumers_.find(ConsumerHandle(static_cast<std::uint32_t>(asker->handle)));
      if (at != consumers_.end()) at->second.on_answer(now, asker->key, std::move(message), out);
      return;
    }
    case Asker::Kind::call:
      requests_.on_answer(now, CallId(asker->handle), std::move(message), out);
      return;
  }
}

void ClientSession::on_change(const Now& now, ConnectionSession::Change change, Effects& out) {
  if (change == ConnectionSession::Change::none) return;
  if (change == ConnectionSession::Change::lost) {
    metadata_.on_lost();
    for (auto& [handle, producer] : producers_) producer.on_lost(now, out);
    for (auto& [handle, consumer] : consumers_) consumer.on_lost();
    requests_.on_lost(now, out);
    return;
  }
  metadata_.on_connected();
  for (auto& [handle, producer] : producers_) producer.on_connected(now, out);
  for (auto& [handle, consumer] : consumers_) consumer.on_connected(now, out);
  requests_.on_connected(now, out);
}

void ClientSession::spread(const Now& now, const MetadataChanges& changes, Effects& out) {
  for (const std::string& name : changes.replaced) tell_topic(name, out);
  for (const PartitionKey key : changes.moved) {
    for (auto& [handle, producer] : producers_) producer.on_moved(now, key, out);
  }
  for (auto& [handle, consumer] : consumers_) consumer.on_metadata(now, changes, out);
  requests_.on_metadata(now, changes, out);
}

void ClientSession::tell_topic(const std::string& name, Effects& out) const {
  if (watched_.find(name) == watched_.end()) return;
  if (metadata_.knowledge(name) == MetadataCache::Knowledge::unknown) return;
  out.topics.push_back({name, metadata_.find(name)});
}

/// Answers gave credit back, and somebody went without.
void ClientSession::use_room(const Now& now, Effects& out) {
  if (!wire_.starved || !wire_.connected) return;
  wire_.starved = false;
  requests_.on_room(now, out);
  for (auto& [handle, consumer] : consumers_) consumer.on_room(now, out);
  for (auto& [handle, producer] : producers_) producer.on_room(now, out);
}

// ---- From the runner

void ClientSession::on(const Now& now, Tick&, Effects& out) {
  on_change(now, connection_.on_tick(now, out), out);
  for (auto& [handle, producer] : producers_) producer.on_tick(now, out);
  for (auto& [handle, consumer] : consumers_) consumer.on_tick(now, out);
  requests_.on_tick(now, out);
}

void ClientSession::on(const Now&, WatchTopic& input, Effects& out) {
  ++watched_[input.name];
  metadata_.watch(input.name);
  tell_topic(input.name, out);
}

void ClientSession::on(const Now&, UnwatchTopic& input, Effects&) {
  const auto at = watched_.find(input.name);
  PINION_ASSERT(at != watched_.end());
  if (--at->second == 0) watched_.erase(at);
  metadata_.unwatch(input.name);
}

void ClientSession::on(const Now& now, OpenProducer& input, Effects& out) {
  const auto [at, fresh] = producers_.try_emplace(input.producer, input, wire_, metadata_);
  PINION_ASSERT(fresh);
  at->second.on_tick(now, out);  // Asks for its id.
}

void ClientSession::on(const Now& now, SendBatch& input, Effects& out) {
  const auto at = producers_.find(input.producer);
  PINION_ASSERT(at != producers_.end());
  at->second.send(now, std::move(input), out);
}

void ClientSession::on(const Now&, CloseProducer& input, Effects& out) {
  const auto at = producers_.find(input.producer);
  PINION_ASSERT(at != producers_.end());
  at->second.close(out);
  producers_.erase(at);
}

void ClientSession::on(const Now& now, OpenConsumer& input, Effects& out) {
  const ConsumerHandle handle = input.consumer;
  const auto [at, fresh] = consumers_.try_emplace(handle, std::move(input), wire_, metadata_);
  PINION_ASSERT(fresh);
  at->second.open(now, out);
}

void ClientSession::on(const Now& now, Consumed& input, Effects& out) {
  const auto at = consumers_.find(input.consumer);
  if (at != consumers_.end()) at->second.consumed(now, input, out);
}

void ClientSession::on(const Now& now, Seek& input, Effects& out) {
  const auto at = consumers_.find(input.consumer);
  PINION_ASSERT(at != consumers_.end());
  at->second.seek(now, input, out);
}

void ClientSession::on(const Now& now, SendCommit& input, Effects& out) {
  const auto at = consumers_.find(input.consumer);
  PINION_ASSERT(at != consumers_.end());
  at->second.commit(now, input, out);
}

void ClientSession::on(const Now&, CloseConsumer& input, Effects& out) {
  const auto at = consumers_.find(input.consumer);
  PINION_ASSERT(at != consumers_.end());
  at->second.close(out);
  consumers_.erase(at);
}

void ClientSession::on(const Now& now, Call& input, Effects& out) {
  requests_.add(now, std::move(input), out);
}

void ClientSession::on(const Now&, Stop&, Effects& out) {
  requests_.on_stop(out);
  connection_.on_stop(out);
}

}  // namespace pinion::client
