// PlayedBroker: the leader broker's side of a partition broker's connection, played by the test's
// own thread over a real ROUTER.
#pragma once

#include "common/proto/codec.hpp"
#include "common/zmq/zmq_transport.hpp"

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::test {

inline const PartitionKey orders{TopicId{7}, PartitionIndex{0}};

[[nodiscard]] Batch batch_of(std::initializer_list<std::string_view> values);

class PlayedBroker {
 public:
  PlayedBroker();

  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }

  /// Answers the node's registration in this session, now and whenever it registers again.
  void admit(std::int64_t session = 1, Micros lost_after = 10s);
  void assign(const std::vector<PartitionKey>& keys, std::int64_t epoch = 1);
  void tombstone(TopicId topic);
  void await_online(std::size_t partitions);

  RequestId ask(Body body, PartitionKey key = orders, Frames records = {});
  RequestId produce(const Batch& batch, PartitionKey key = orders);
  RequestId fetch(std::int64_t offset, std::uint32_t wait_ms = 0, PartitionKey key = orders);
  /// Header and body frames as they are.
  RequestId ask_raw(Header header, Bytes body);

  /// The answer to a request, after everything that comes before it.
  Message answer(RequestId request);
  [[nodiscard]] bool answered(RequestId request) const { return answers_.count(request) > 0; }
  /// Takes messages until it holds; fails the test after half a minute.
  void until(const std::function<bool()>& holds);
  /// Takes messages, but answers nothing, until it holds.
  void silently_until(const std::function<bool()>& holds);

  /// Where the node said, when it registered, that others reach it.
  [[nodiscard]] const std::string& node_address() const { return node_address_; }
  [[nodiscard]] std::size_t count(Kind kind) const;
  [[nodiscard]] PartitionState state_of(PartitionKey key) const;
  [[nodiscard]] const NodeHeartbeat& last_heartbeat() const { return last_heartbeat_; }
  [[nodiscard]] const std::vector<TopicId>& deleted() const { return deleted_; }

 private:
  enum class Answering : bool { no, yes };
  void take(Micros wait, Answering answering);
  void on_message(Message message, Answering answering);
  void answer_registration();
  void send(Body body, RequestId request, const std::string& path = {}, Header header = {},
            Frames records = {});

  std::unique_ptr<ZmqTransport> transport_;
  std::string endpoint_;
  std::string node_;  ///< Routing id of the node that spoke last.
  std::map<RequestId, Message> answers_;
  std::map<Kind, std::size_t> counts_;
  std::map<PartitionKey, PartitionState> states_;
  std::vector<TopicId> deleted_;
  NodeHeartbeat last_heartbeat_;
  std::string node_address_;
  RequestId registration_{0};
  std::int64_t session_ = 0;  ///< 0: nobody is admitted yet.
  std::int64_t answered_session_ = 0;
  Micros lost_after_{0};
  std::uint64_t requests_ = 0;
};

}  // namespace pinion::test
