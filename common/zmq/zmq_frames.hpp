// Frames between Bytes and libzmq, without copying the large ones. Inside common/zmq only.
//
// Received: a frame of zmq_shared_bytes_min or more stays where libzmq put it, owned by the Bytes;
// a smaller one is copied, for it may share libzmq's receive buffer and would keep all of that.
// Sent: libzmq refers to a large frame's memory and drops its share from one of its own threads.
#pragma once

#include <zmq.h>

#include "common/base/bytes.hpp"

namespace pinion {

/// A libzmq message that closes itself.
class ZmqMessage {
 public:
  ZmqMessage() noexcept { zmq_msg_init(&message_); }
  ~ZmqMessage() { zmq_msg_close(&message_); }
  ZmqMessage(const ZmqMessage&) = delete;
  ZmqMessage& operator=(const ZmqMessage&) = delete;

  [[nodiscard]] zmq_msg_t* raw() noexcept { return &message_; }
  [[nodiscard]] bool more() const noexcept { return zmq_msg_more(&message_) != 0; }
  [[nodiscard]] std::size_t size() const noexcept { return zmq_msg_size(&message_); }

 private:
  zmq_msg_t message_;
};

/// The frame's bytes; a large one's message is moved out of `message`.
[[nodiscard]] Bytes take_bytes(ZmqMessage& message);

/// Makes `message`, which is empty, the frame of these bytes. False when memory is out.
[[nodiscard]] bool fill_message(ZmqMessage& message, const Bytes& bytes);

}  // namespace pinion
