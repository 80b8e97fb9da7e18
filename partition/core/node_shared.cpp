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
  send.message = make_error_reply(asker.header, std::move(error));
  send.message.header.leader_epoch = leader_epoch;
  out.sends.push_back(std::move(send));
}

}  // namespace pinion::partition
