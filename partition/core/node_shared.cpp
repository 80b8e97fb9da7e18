#include "partition/core/node_shared.hpp"

#include "common/base/assert.hpp"

namespace pinion::partition {

namespace {

Header answer_header(const Header& request, Epoch leader_epoch) {
  Header header;
  header.kind = reply_to(request.kind);
  header.request_id = request.request_id;
  header.topic = request.topic;
  header.partition = request.partition;
  header.leader_epoch = leader_epoch;
  return header;
}

}  // namespace

void NodeShared::answer(Asker&& asker, Body body, Epoch leader_epoch, Effects& out,
                        Frames records) {
  PINION_ASSERT(requests_open > 0);
  --requests_open;
  Send send;
  send.path = std::move(asker.path);
  send.message.header = answer_header(asker.header, leader_epoch);
  send.message.body = std::move(body);
  send.message.records = std::move(records);
  out.sends.push_back(std::move(send));
}

void NodeShared::refuse(Asker&& asker, Error error, Epoch leader_epoch, Effects& out) {
  PINION_ASSERT(error.code != Errc::ok);
  PINION_ASSERT(requests_open > 0);
  --requests_open;
  Send send;
  send.path = std::move(asker.path);
  send.message.header = answer_header(asker.header, leader_epoch);
  send.message.header.error = error.code;
  ErrorBody body;
  body.detail = std::move(error.detail);
  send.message.body = std::move(body);
  out.sends.push_back(std::move(send));
}

}  // namespace pinion::partition
