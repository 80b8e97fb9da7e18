// Whatever a peer sends, the cluster answers or drops it, counts it, and serves everybody else.
#include "common/base/prng.hpp"
#include "common/proto/codec.hpp"
#include "tests/support/raw_peer.hpp"
#include "tests/support/server_cluster.hpp"

using namespace pinion;
using namespace pinion::test;

namespace {

constexpr Micros soon = 30s;
using More = RawPeer::More;

std::string random_bytes(Prng& prng, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(prng.below(256));
  return bytes;
}

/// A message of the given frames behind the empty one.
bool send_message(RawPeer& peer, const std::vector<std::string>& frames) {
  if (!peer.send_frame("", frames.empty() ? More::no : More::yes)) return false;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (!peer.send_frame(frames[i], i + 1 < frames.size() ? More::yes : More::no)) return false;
  }
  return true;
}

/// Everybody else: a client that sends and reads while the hostile peer is at it.
class Bystander {
 public:
  explicit Bystander(ServerCluster& cluster) : client_(cluster.client()) {
    const auto made = client_->admin().create_topic("t", {}, soon);
    if (!made) FAIL(made.error().to_string());
    auto producer = client_->producer({});
    REQUIRE(producer);
    producer_ = std::move(*producer);
    ConsumerOptions options;
    options.topics = {"t"};
    auto consumer = client_->consumer(options);
    REQUIRE(consumer);
    consumer_ = std::move(*consumer);
  }
  void is_served() {
    ProducerRecord record;
    const std::string value = "v" + std::to_string(sent_++);
    record.value = value;
    const DeliveryReport report = producer_->send_future("t", record).get();
    CHECK(report.outcome == Outcome::acknowledged);
    auto records = consumer_->poll(10, soon);
    REQUIRE(records);
    REQUIRE(records->size() == 1);
    CHECK((*records->begin()).value == value);
  }
  [[nodiscard]] BrokerStatus broker() {
    auto status = client_->admin().cluster_status(soon);
    REQUIRE(status);
    return status->broker;
  }

 private:
  std::unique_ptr<Client> client_;
  std::unique_ptr<Producer> producer_;
  std::unique_ptr<Consumer> consumer_;
  int sent_ = 0;
};

}  // namespace

TEST_CASE("hostile: bytes that are no protocol at all", "[integration][cluster][hostile]") {
  ServerCluster cluster(1);
  Bystander bystander(cluster);
  Prng prng(7);
  for (int i = 0; i < 20; ++i) {
    RawPeer peer(cluster.port());
    peer.send_bytes(random_bytes(prng, 1 + prng.below(5'000)));
  }
  RawPeer http(cluster.port());
  http.send_bytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  bystander.is_served();
}

TEST_CASE("hostile: messages of random frames are refused and counted",
          "[integration][cluster][hostile]") {
  ServerCluster cluster(1);
  Bystander bystander(cluster);
  const std::uint64_t before = bystander.broker().refused_malformed;
  Prng prng(11);
  RawPeer peer(cluster.port());
  REQUIRE(peer.shake_hands("c0123456789abcde"));
  for (int i = 0; i < 500; ++i) {
    std::vector<std::string> frames;
    const std::uint64_t count = prng.below(6);
    for (std::uint64_t k = 0; k < count; ++k) frames.push_back(random_bytes(prng, prng.below(300)));
    if (!send_message(peer, frames)) break;
  }
  CHECK(eventually(soon, [&] { return bystander.broker().refused_malformed > before; }));
  bystander.is_served();
}

TEST_CASE("hostile: good messages with every byte changed once",
          "[integration][cluster][hostile]") {
  ServerCluster cluster(1);
  Bystander bystander(cluster);
  Message produce;
  produce.header.kind = Kind::produce;
  produce.header.request_id = RequestId(1);
  produce.header.topic = TopicId(1);
  produce.header.timeout_ms = 1'000;
  Produce body;
  std::string payload;
  RecordView record;
  record.value = "x";
  append_record(payload, record);
  body.batch.record_count = 1;
  produce.body = body;
  produce.records = {Bytes(payload)};
  const Frames frames = encode(produce);
  RawPeer peer(cluster.port());
  REQUIRE(peer.shake_hands("c0123456789abcde"));
  for (std::size_t f = 0; f < frames.size(); ++f) {
    for (std::size_t at = 0; at < frames[f].size(); ++at) {
      std::vector<std::string> changed;
      for (const Bytes& frame : frames) changed.emplace_back(frame.view());
      changed[f][at] = static_cast<char>(changed[f][at] ^ 0x55);
      REQUIRE(send_message(peer, changed));
    }
  }
  bystander.is_served();
}

TEST_CASE("hostile: a frame that announces two gibibytes ends that connection only",
          "[integration][cluster][hostile]") {
  ServerCluster cluster(1);
  Bystander bystander(cluster);
  RawPeer peer(cluster.port());
  REQUIRE(peer.shake_hands("c0123456789abcde"));
  peer.send_frame("", More::yes);
  peer.send_frame_header(std::uint64_t{2} << 30, More::no);
  CHECK(peer.closed_within(10'000));
  bystander.is_served();
}

TEST_CASE("hostile: a message of very many frames is dropped, and the next one is heard",
          "[integration][cluster][hostile]") {
  ServerCluster cluster(1);
  Bystander bystander(cluster);
  RawPeer peer(cluster.port());
  REQUIRE(peer.shake_hands("c0123456789abcde"));
  for (int i = 0; i < 100'000; ++i) {
    if (!peer.send_frame("tiny", More::yes)) break;
  }
  peer.send_frame("", More::no);
  bystander.is_served();
}

TEST_CASE("hostile: a client that asks and never reads holds up nobody",
          "[integration][cluster][hostile]") {
  ServerCluster cluster(1);
  Bystander bystander(cluster);
  RawPeer peer(cluster.port());
  REQUIRE(peer.shake_hands("c0123456789abcde"));
  Message hello;
  hello.header.kind = Kind::hello;
  hello.body = Hello{};
  Message ask;
  ask.header.kind = Kind::cluster_status;
  ask.body = ClusterStatusRequest{};
  const auto send = [&](const Message& message) {
    std::vector<std::string> frames;
    for (const Bytes& frame : encode(message)) frames.emplace_back(frame.view());
    return send_message(peer, frames);
  };
  REQUIRE(send(hello));
  for (int i = 0; i < 20'000; ++i) {
    ask.header.request_id = RequestId(static_cast<std::uint64_t>(i) + 2);
    if (!send(ask)) break;
    if (i % 5'000 == 0) bystander.is_served();
  }
  bystander.is_served();
}

TEST_CASE("hostile: peers that come and go by the hundred", "[integration][cluster][hostile]") {
  ServerCluster cluster(1);
  Bystander bystander(cluster);
  for (int i = 0; i < 300; ++i) {
    RawPeer peer(cluster.port());
    peer.shake_hands("c" + std::to_string(i) + "-comes-and-goes");
    if (i % 3 == 0) peer.send_frame("half a message", More::yes);
  }
  bystander.is_served();
}
