#include "tests/support/raw_peer.hpp"

#include <array>
#include <chrono>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pinion::test {
namespace {

constexpr char flag_more = 1;
constexpr char flag_long = 2;
constexpr char flag_command = 4;

std::string big_endian(std::uint64_t number, int bytes) {
  std::string text;
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    text += static_cast<char>((number >> shift) & 0xff);
  }
  return text;
}

std::string property(std::string_view name, std::string_view value) {
  std::string text(1, static_cast<char>(name.size()));
  text += name;
  text += big_endian(value.size(), 4);
  text += value;
  return text;
}

}  // namespace

RawPeer::RawPeer(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  // A frame leaves when it is sent, not when the one before has been confirmed.
  const int at_once = 1;
  (void)::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(socket_);
    socket_ = -1;
  }
}

RawPeer::~RawPeer() {
  if (socket_ >= 0) ::close(socket_);
}

bool RawPeer::send_bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    // A server that stopped reading must not hold the test for ever.
    pollfd wait{socket_, POLLOUT, 0};
    if (::poll(&wait, 1, 5'000) <= 0) return false;
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool RawPeer::shake_hands(std::string_view routing_id) {
  std::string greeting("\xff\0\0\0\0\0\0\0\x01\x7f\x03\x00NULL", 16);
  greeting.resize(64, '\0');
  std::string ready = "\x05READY" + property("Socket-Type", "DEALER");
  ready += property("Identity", routing_id);
  const std::string command =
      std::string(1, flag_command) + static_cast<char>(ready.size()) + ready;
  if (!send_bytes(greeting) || !send_bytes(command)) return false;
  // The other side's greeting of 64 bytes and its READY, whose second byte is its length: what is
  // sent before it has come is a breach of the protocol, and ends the connection.
  std::string heard;
  while (heard.size() < 66 || heard.size() < 66U + static_cast<unsigned char>(heard[65])) {
    pollfd wait{socket_, POLLIN, 0};
    if (::poll(&wait, 1, 5'000) <= 0) return false;
    std::array<char, 1024> bytes{};
    const ssize_t got = ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    heard.append(bytes.data(), static_cast<std::size_t>(got));
  }
  return true;
}

bool RawPeer::send_frame_header(std::uint64_t length, More more) {
  const char flags = more == More::yes ? flag_more : 0;
  return send_bytes(std::string(1, static_cast<char>(flags | flag_long)) + big_endian(length, 8));
}

bool RawPeer::send_frame(std::string_view bytes, More more) {
  if (bytes.size() > 255) return send_frame_header(bytes.size(), more) && send_bytes(bytes);
  std::string frame(1, more == More::yes ? flag_more : '\0');
  frame += static_cast<char>(bytes.size());
  frame += bytes;
  return send_bytes(frame);
}

bool RawPeer::closed_within(int milliseconds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  std::array<char, 65'536> dropped{};
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd wait{socket_, POLLIN, 0};
    if (::poll(&wait, 1, static_cast<int>(left.count())) <= 0) return false;
    if (::recv(socket_, dropped.data(), dropped.size(), 0) <= 0) return true;
  }
}

}  // namespace pinion::test
