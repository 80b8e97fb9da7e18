#include "tests/sim/raw_client.hpp"

namespace pinion::sim {

void RawClient::on_start() {
  connect();
  connected_ = false;
  say_hello();
  plan(1s, [this] { ping(); });
  begin();
}

void RawClient::on_death(Death) {
  disconnect();
  waiting_.clear();
  connected_ = false;
  end_of_life();
}

void RawClient::say_hello() {
  Message hello;
  hello.header.kind = Kind::hello;
  hello.header.request_id = RequestId(next_request_++);
  Hello body;
  body.client_name = name();
  body.incarnation = Incarnation(static_cast<std::int64_t>(prng_.below(1ULL << 60)));
  hello.body = std::move(body);
  send(hello);
  plan(300ms, [this] {
    if (!connected_) say_hello();
  });
}

void RawClient::ping() {
  if (connected_) {
    Message ping_message;
    ping_message.header.kind = Kind::ping;
    ping_message.header.request_id = RequestId(next_request_++);
    ping_message.body = Ping{.mark = mark_};
    send(ping_message);
  }
  plan(1s, [this] { ping(); });
}

void RawClient::request_with_records(Body body, Frames records, const Routed& routed,
                                     Micros timeout, Done done) {
  Message message;
  message.header.kind = kind_of(body);
  message.header.request_id = RequestId(next_request_++);
  message.header.topic = routed.key.topic;
  message.header.partition = routed.key.partition;
  message.header.leader_epoch = routed.leader_epoch;
  message.header.timeout_ms = static_cast<std::uint32_t>(timeout.count() / 1000);
  message.body = std::move(body);
  message.records = std::move(records);
  const Header header = message.header;
  waiting_[header.request_id] = std::move(done);
  send(message);
  plan(timeout + Micros(1), [this, header] {
    const auto waiting = waiting_.find(header.request_id);
    if (waiting == waiting_.end()) return;
    const Done callback = std::move(waiting->second);
    waiting_.erase(waiting);
    world_.counters.count("raw client: timed out");
    callback(make_error_reply(header, fail(Errc::timed_out)));
  });
}

void RawClient::send(const Message& message) {
  Frames frames = encode(message);
  frames.insert(frames.begin(), Bytes());
  world_.trace.full(name().c_str(), "sends kind %d #%llu", static_cast<int>(message.header.kind),
                    static_cast<unsigned long long>(message.header.request_id.raw()));
  send_frames(std::move(frames));
}

void RawClient::on_frames(Frames frames) {
  Result<Received> received = decode(std::move(frames));
  if (!received) {
    world_.checker.violate("malformed", name() + ": " + received.error().to_string());
    return;
  }
  const Header& header = received->message.header;
  if (header.error != Errc::ok) {
    world_.counters.count("client hears: " + std::string(name_of(header.error)));
  }
  world_.trace.full(name().c_str(), "hears kind %d #%llu %s", static_cast<int>(header.kind),
                    static_cast<unsigned long long>(header.request_id.raw()),
                    name_of(header.error).data());
  on_message(std::move(received->message));
}

void RawClient::on_message(Message message) {
  if (const auto* pong = std::get_if<Pong>(&message.body)) mark_ = pong->mark;
  const bool asked = waiting_.count(message.header.request_id) > 0;
  if (message.header.kind == Kind::hello_reply && !asked) {
    connected_ = message.header.error == Errc::ok;
    if (const auto* reply = std::get_if<HelloReply>(&message.body)) mark_ = reply->mark;
    return;
  }
  if (message.header.kind == Kind::say_hello) {
    if (connected_) {
      connected_ = false;
      say_hello();
    }
    return;
  }
  const auto waiting = waiting_.find(message.header.request_id);
  if (waiting == waiting_.end()) return;  // A push, a pong, or the answer of a duplicate.
  const Done callback = std::move(waiting->second);
  waiting_.erase(waiting);
  callback(message);
}

}  // namespace pinion::sim
