#include "client/core/wire.hpp"

#include "common/base/assert.hpp"
#include "common/proto/codec.hpp"

#include <algorithm>
#include <utility>

namespace pinion::client {
namespace {

/// Header, body and frames of a request beside its payload; what the broker counts is about this.
constexpr std::size_t envelope_bytes = 256;

Frames with_empty_frame(Frames message) {
  message.insert(message.begin(), Bytes());
  return message;
}

}  // namespace

std::optional<RequestId> Wire::send(const Asker& asker, Request request, Effects& out) {
  PINION_ASSERT(request.body != nullptr);
  if (!connected) return std::nullopt;
  const std::size_t bytes = size_of(request.records) + envelope_bytes;
  if (!has_credit(bytes)) {
    starved = true;
    return std::nullopt;
  }
  const RequestId id(++last_id_);
  const Micros left = std::clamp(request.time_left, Micros(1ms), limits::request_lifetime_max);
  Message message;
  message.header.kind = kind_of(*request.body);
  message.header.request_id = id;
  message.header.topic = request.key.topic;
  message.header.partition = request.key.partition;
  message.header.leader_epoch = request.leader_epoch;
  message.header.timeout_ms = static_cast<std::uint32_t>(left / 1ms);
  message.header.any_replica = request.any_replica;
  Frames frames{Bytes(), encode_header(message.header), encode_body(*request.body)};
  for (Bytes& frame : request.records) frames.push_back(std::move(frame));
  out.sends.push_back(std::move(frames));
  open_.emplace_hint(open_.end(), id, Open{asker, message.header.kind, bytes});
  bytes_open_ += bytes;
  return id;
}

RequestId Wire::send_uncounted(const Body& body, Effects& out) {
  const RequestId id(++last_id_);
  Message message;
  message.header.kind = kind_of(body);
  message.header.request_id = id;
  message.body = body;
  out.sends.push_back(with_empty_frame(encode(message)));
  return id;
}

std::optional<Asker> Wire::take(RequestId id, Kind answer) {
  const auto found = open_.find(id);
  if (found == open_.end() || reply_to(found->second.kind) != answer) return std::nullopt;
  const Asker asker = found->second.asker;
  end(found);
  return asker;
}

void Wire::forget(RequestId id) {
  const auto found = open_.find(id);
  if (found != open_.end()) end(found);
}

void Wire::end(Table::iterator at) {
  PINION_ASSERT(bytes_open_ >= at->second.bytes);
  bytes_open_ -= at->second.bytes;
  open_.erase(at);
}

void Wire::forget_all() {
  open_.clear();
  bytes_open_ = 0;
}

void Wire::set_credit(std::uint64_t requests, std::uint64_t bytes) noexcept {
  requests_max_ = std::max<std::uint64_t>(1, requests);
  bytes_max_ = std::max<std::uint64_t>(2 * limits::client_credit_reserve_bytes, bytes);
}

bool Wire::has_credit(std::size_t bytes) const noexcept {
  if (open_.empty()) return true;  // One largest record must pass, whatever was granted.
  if (open_.size() >= requests_max_) return false;
  const bool small = bytes <= limits::client_small_request_bytes;
  const std::uint64_t reserve = small ? 0 : limits::client_credit_reserve_bytes;
  return bytes_open_ + bytes + reserve <= bytes_max_;
}

}  // namespace pinion::client
