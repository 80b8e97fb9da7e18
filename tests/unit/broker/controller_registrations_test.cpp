#include "tests/unit/broker/controller_fixture.hpp"

using namespace pinion;
using pinion::test::ControllerFixture;

namespace {

class Fixture : public ControllerFixture {
 public:
  Fixture() {
    registers(1);
    created("orders");
  }
  RequestId producer(const std::string& name, const std::string& topic = "orders",
                     bool create = false) {
    return ask(RegisterProducer{topic, name, create}, Kind::register_producer);
  }
  RequestId consumer(const std::string& name, const std::string& topic = "orders") {
    return ask(RegisterConsumer{topic, name}, Kind::register_consumer);
  }
  std::int64_t producer_number(RequestId asked) const {
    return body<RegisterProducerReply>(asked).id.raw();
  }
  std::int64_t consumer_number(RequestId asked) const {
    return body<RegisterConsumerReply>(asked).id.raw();
  }
};

}  // namespace

TEST_CASE("controller: producers and consumers are numbered from 1, each kind apart", "[broker]") {
  Fixture f;
  const RequestId p1 = f.producer("");
  const RequestId p2 = f.producer("");
  const RequestId c1 = f.consumer("");
  CHECK_FALSE(f.answer(p1));  // Not durable yet.
  CHECK(f.persist() == 1);    // All that waits goes together.
  CHECK(f.producer_number(p1) == 1);
  CHECK(f.producer_number(p2) == 2);
  CHECK(f.consumer_number(c1) == 1);
  CHECK(f.body<RegisterConsumerReply>(c1).topic.name == "orders");
}

TEST_CASE("controller: one name and topic keep one number, also while it is kept", "[broker]") {
  Fixture f;
  const RequestId first = f.consumer("me");
  const RequestId again = f.consumer("me");
  const RequestId other = f.consumer("you");
  f.persist();
  CHECK(f.consumer_number(first) == 1);
  CHECK(f.consumer_number(again) == 1);
  CHECK(f.consumer_number(other) == 2);
  const RequestId later = f.consumer("me");
  CHECK(f.consumer_number(later) == 1);  // At once: nothing to keep.
  f.created("logs");
  const RequestId elsewhere = f.consumer("me", "logs");
  f.persist();
  CHECK(f.consumer_number(elsewhere) == 3);
}

TEST_CASE("controller: numbers go on after a restart, and are not used again", "[broker]") {
  Fixture f;
  f.producer("a");
  f.producer("");
  f.persist();
  f.start();
  f.ask_to_register(f.node(1));
  f.clear();
  CHECK(f.producer_number(f.producer("a")) == 1);
  const RequestId next = f.producer("b");
  f.persist();
  CHECK(f.producer_number(next) == 3);
  f.remove("orders");
  f.persist();
  f.created("orders");
  const RequestId anew = f.producer("a");
  f.persist();
  CHECK(f.producer_number(anew) == 4);
}

TEST_CASE("controller: nobody registers for a topic that does not exist, unless it may be made",
          "[broker]") {
  Fixture f;
  CHECK(f.code(f.producer("a", "none")) == Errc::unknown_topic);
  CHECK(f.code(f.consumer("a", "none")) == Errc::unknown_topic);

  const RequestId first = f.producer("a", "new", true);
  const RequestId racing = f.producer("b", "new", true);
  f.persist();
  f.reports_all(1);
  f.persist();
  f.tick();
  f.persist();
  CHECK(f.producer_number(first) == 1);
  CHECK(f.producer_number(racing) == 2);
  const auto reply = f.body<RegisterProducerReply>(first);
  CHECK(reply.topic.name == "new");
  REQUIRE(reply.topic.partitions.size() == 1);
  CHECK(reply.topic.partitions[0].state == PartitionState::online);
}

TEST_CASE("controller: a topic that a registration makes is kept on three nodes", "[broker]") {
  Fixture f;
  f.registers(2);
  f.registers(3);
  (void)f.producer("a", "new", true);
  f.persist();
  const TopicId topic = f.controller->topics().find("new")->meta.id;
  const auto row = f.controller->partitions().first_of(topic);
  CHECK(row->second.meta.replicas.size() == 3);
}

TEST_CASE("controller: who registers for a topic being deleted is told it does not exist",
          "[broker]") {
  Fixture f;
  const RequestId before = f.consumer("a");
  f.remove("orders");
  const RequestId after = f.consumer("b");
  CHECK(f.code(after) == Errc::unknown_topic);
  f.persist();
  CHECK(f.consumer_number(before) == 1);
  CHECK(f.controller->registrations().count() == 0);
  CHECK(f.disk->state.registrations.empty());
}

TEST_CASE("controller: many registrations cost one commit", "[broker]") {
  Fixture f;
  for (int i = 0; i < 1'000; ++i) f.consumer("");
  CHECK(f.persist() == 1);
  CHECK(f.controller->registrations().count() == 1'000);
}

TEST_CASE("controller: what waits for the store is bounded", "[broker]") {
  Fixture f;
  std::size_t throttled = 0;
  for (std::size_t i = 0; i < limits::meta_writes_pending_max + 100; ++i) {
    if (f.code(f.consumer("")) == Errc::throttled) ++throttled;
    f.clear();
  }
  CHECK(throttled == 100);
  CHECK(f.controller->writes_pending() == limits::meta_writes_pending_max);
}

TEST_CASE("controller: producer ids are never handed out twice", "[broker]") {
  Fixture f;
  const auto allocate = [&](std::uint32_t count) {
    return f.ask(AllocateProducerIds{count}, Kind::allocate_producer_ids);
  };
  const RequestId first = allocate(10);
  const RequestId second = allocate(5);
  CHECK_FALSE(f.answer(first));  // Not before they are set aside durably.
  CHECK(f.persist() == 1);
  CHECK(f.body<AllocateProducerIdsReply>(first).first == ProducerId{1});
  CHECK(f.body<AllocateProducerIdsReply>(first).count == 10);
  CHECK(f.body<AllocateProducerIdsReply>(second).first == ProducerId{11});
  const RequestId third = allocate(1);
  CHECK(f.body<AllocateProducerIdsReply>(third).first == ProducerId{16});  // Of what is set aside.

  f.start();
  const RequestId after = allocate(1);
  f.persist();
  CHECK(f.body<AllocateProducerIdsReply>(after).first > ProducerId{16});

  const RequestId huge = allocate(100'000);
  f.persist();
  CHECK(f.body<AllocateProducerIdsReply>(huge).count == 100'000);
}

TEST_CASE("controller: a number's topic is found, also after a restart, until the topic is deleted",
          "[broker]") {
  Fixture f;
  f.producer("");
  const RequestId named = f.consumer("me");
  f.persist();
  REQUIRE(f.consumer_number(named) == 1);
  f.start();
  f.ask_to_register(f.node(1));
  f.clear();
  const auto find = [&](ClientKind of, std::int64_t id) {
    return f.ask(FindRegistration{of, RegistrationId{id}}, Kind::find_registration);
  };
  const RequestId producer = find(ClientKind::producer, 1);
  CHECK(f.body<FindRegistrationReply>(producer).topic_name == "orders");
  CHECK(f.body<FindRegistrationReply>(producer).name.empty());
  CHECK(f.body<FindRegistrationReply>(find(ClientKind::consumer, 1)).name == "me");
  CHECK(f.code(find(ClientKind::consumer, 2)) == Errc::unknown_reader);
  CHECK(f.code(find(ClientKind::producer, -1)) == Errc::unknown_reader);
  f.remove("orders");
  f.persist();
  CHECK(f.code(find(ClientKind::producer, 1)) == Errc::unknown_reader);
}
