#include "common/zmq/zmq_frames.hpp"

#include "common/zmq/zmq_transport.hpp"

#include <algorithm>
#include <memory>
#include <string_view>

namespace pinion {
namespace {

/// Called by a thread of libzmq, or by the sender when the send failed.
void drop_share(void* /*data*/, void* share) { delete static_cast<Bytes*>(share); }

}  // namespace

Bytes take_bytes(ZmqMessage& message) {
  const std::size_t size = message.size();
  if (size < zmq_shared_bytes_min) {
    return Bytes::copy_of({static_cast<const char*>(zmq_msg_data(message.raw())), size});
  }
  auto holder = std::make_shared<ZmqMessage>();
  zmq_msg_move(holder->raw(), message.raw());
  const char* data = static_cast<const char*>(zmq_msg_data(holder->raw()));
  return {std::move(holder), data, size};
}

bool fill_message(ZmqMessage& message, const Bytes& bytes) {
  if (bytes.size() < zmq_shared_bytes_min) {
    if (zmq_msg_init_size(message.raw(), bytes.size()) != 0) return false;
    std::copy_n(bytes.data(), bytes.size(), static_cast<char*>(zmq_msg_data(message.raw())));
    return true;
  }
  auto share = std::make_unique<Bytes>(bytes);
  // libzmq takes a pointer to non-const bytes and does not write to them.
  if (zmq_msg_init_data(message.raw(), const_cast<char*>(bytes.data()), bytes.size(), &drop_share,
                        share.get()) != 0) {
    return false;
  }
  (void)share.release();
  return true;
}

}  // namespace pinion
