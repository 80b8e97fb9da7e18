// A peer that speaks ZMTP 3.0 by hand over a plain TCP socket, so that a test can send what no
// library would: frames that never end, lengths that lie, bytes that mean nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pinion::test {

class RawPeer {
 public:
  /// Connects to a port of 127.0.0.1; nothing is sent yet.
  explicit RawPeer(int port);
  ~RawPeer();
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  /// The greeting and the READY of a DEALER, and the other side's. False when it hung up.
  bool shake_hands(std::string_view routing_id);

  enum class More : bool { no, yes };
  /// One frame of a message. False when the connection is gone.
  bool send_frame(std::string_view bytes, More more);
  /// A frame's header that announces `length` bytes, and none of them.
  bool send_frame_header(std::uint64_t length, More more);
  /// Bytes as they are.
  bool send_bytes(std::string_view bytes);

  /// Whether the other side closed the connection within so long; reads and drops what comes.
  bool closed_within(int milliseconds);

 private:
  int socket_;
};

}  // namespace pinion::test
