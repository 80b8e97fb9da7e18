#include "partition/core/node_shared.hpp"

#include "common/base/assert.hpp"
#include "common/proto/codec.hpp"

namespace pinion::partition {

void NodeShared::answer(Asker&& asker, Body body, Epoch leader_epoch, Effects& out,
                        Frames records) {
  PINION_ASSERT(requests_open > 0);
  --requests_open;
  Send send;
  send.path = std::move(asker.path);
  send.way = asker.way;
  send.message = make_reply(asker.header, std::move(body));
  send.message.header.leader_epoch = leader_epoch;
  send.message.records = std::move(records);
  out.sends.push_back(std::move(send));
}

void NodeShared::refuse(Asker&& asker, Error error, Epoch leader_epoch, Effects& out) {
  PINION_ASSERT(error.code != Errc::ok);
  PINION_ASSERT(requests_open > 0);
  --requests_open;
  Send send;
  send.path = std::move(asker.path);
  send.way = asker.way;
  send.message = make_error_reply(asker.header, std::move(error));
  send.message.header.leader_epoch = leader_epoch;
  out.sends.push_back(std::move(send));
}

bool NodeShared::send_to_peer(const Now& now, NodeId peer, Message message, Effects& out) {
  const auto at = peers.find(peer);
  if (at == peers.end() || at->second.address.empty()) return false;
  Peer& known = at->second;
  if (known.connected != known.address) {
    known.connected = known.address;
    known.connected_at = now.monotonic;
    out.peers.push_back({peer, known.address});
  }
  Send send;
  send.way = Way::peer;
  send.peer = peer;
  send.message = std::move(message);
  out.sends.push_back(std::move(send));
  return true;
}

void NodeShared::suspect_peer(const Now& now, NodeId peer, Effects& out) {
  const auto at = peers.find(peer);
  if (at == peers.end() || at->second.connected.empty()) return;
  Peer& known = at->second;
  if (now.monotonic < std::max(known.heard_at, known.connected_at) + limits::peer_quiet_after) {
    return;
  }
  known.connected_at = now.monotonic;
  out.peers.push_back({peer, known.connected});
}

}  // namespace pinion::partition
