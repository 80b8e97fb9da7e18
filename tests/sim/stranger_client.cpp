#include "tests/sim/stranger_client.hpp"

#include "common/base/checksum.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace pinion::sim {

namespace {

/// Somebody who goes on after this can be told so at any time.
bool is_of_the_moment(Errc code) {
  switch (code) {
    case Errc::timed_out:
    case Errc::connection_lost:
    case Errc::not_registered:
    case Errc::not_leader:
    case Errc::partition_offline:
    case Errc::not_enough_replicas:
    case Errc::offset_not_available:
    case Errc::throttled:
    case Errc::storage_full:
    case Errc::storage_failed:
    case Errc::shutting_down:
    case Errc::unknown_topic:  // It may be deleted at any time.
      return true;
    default:
      return false;
  }
}

Batch one_record(const std::string& value, Micros timestamp) {
  std::string payload;
  RecordView record;
  record.timestamp = timestamp;
  record.value = value;
  append_record(payload, record);
  Batch batch;
  batch.header.record_count = 1;
  batch.header.crc = crc32c(payload);
  batch.payload = Bytes(std::move(payload));
  return batch;
}

}  // namespace

StrangerClient::StrangerClient(World& world, std::int32_t index, std::string name,
                               std::uint64_t seed, const TopicBook& book,
                               std::function<std::int32_t()> next_process)
    : RawClient(world, index, std::move(name), seed),
      book_(book),
      next_process_(std::move(next_process)) {}

void StrangerClient::end_of_life() {
  for (const SendId send : under_way_) world_.checker.on_send_info(send, Errc::cancelled);
  under_way_.clear();
  is_busy_ = false;
}

void StrangerClient::next_turn() {
  is_busy_ = false;
  if (!finishing_) later(Micros(prng_.between(1'000, 100'000)), [this] { turn(); });
}

void StrangerClient::turn() {
  if (finishing_ || !connected() || book_.topics().empty()) return next_turn();
  const KnownTopic& topic = book_.topics()[prng_.below(book_.topics().size())];
  key_ = {topic.id, PartitionIndex(static_cast<std::int32_t>(
                        prng_.below(static_cast<std::uint64_t>(topic.partitions))))};
  process_ = next_process_();
  is_busy_ = true;
  using Doing = void (StrangerClient::*)();
  static constexpr Doing doings[] = {
      &StrangerClient::send_once,       &StrangerClient::send_damaged,
      &StrangerClient::leave_a_gap,     &StrangerClient::come_late,
      &StrangerClient::be_two,          &StrangerClient::name_a_stranger,
      &StrangerClient::name_old_epoch,  &StrangerClient::speak_as_node,
      &StrangerClient::greet_wrongly,   &StrangerClient::ask_nonsense,
      &StrangerClient::ask_sql,         &StrangerClient::create_wrongly,
      &StrangerClient::read_beyond_end,
  };
  if (prng_.chance(1, 100)) return send_oversized();  // A mebibyte takes a while.
  (this->*doings[prng_.below(std::size(doings))])();
}

// ---- Answers

RawClient::Done StrangerClient::expecting(const char* what, std::vector<Errc> codes) {
  return [this, what, codes = std::move(codes)](const Message& answer) {
    const Errc code = answer.header.error;
    world_.counters.count(std::string("stranger: ") + what);
    const bool wanted = std::find(codes.begin(), codes.end(), code) != codes.end();
    if (!wanted && !is_of_the_moment(code)) {
      world_.checker.violate("wrong-answer",
                             name() + " " + what + " and is told " + std::string(name_of(code)));
    }
    next_turn();
  };
}

// ---- Batches

void StrangerClient::with_id(std::function<void(ProducerId)> then) {
  AllocateProducerIds allocate;
  allocate.count = 1;
  request(allocate, 1s, [this, then = std::move(then)](const Message& answer) {
    const auto* ids = std::get_if<AllocateProducerIdsReply>(&answer.body);
    if (ids == nullptr) return next_turn();
    world_.checker.on_producer_ids(ids->first, ids->count);
    then(ids->first);
  });
}

void StrangerClient::produce(const Sequenced& sequenced, std::size_t value_bytes, Done done) {
  const SendId send = world_.checker.on_send(process_, Acks::all, key_, world_.scheduler.now());
  under_way_.insert(send);
  std::string value = world_.checker.value_of(send);
  value.append(value_bytes, '.');
  Batch batch = one_record(value, now().wall);
  batch.header.producer_id = sequenced.id;
  batch.header.producer_epoch = sequenced.epoch;
  batch.header.base_sequence = sequenced.sequence;
  Produce body;
  body.acks = Acks::all;
  body.batch = batch.header;
  request_with_records(
      std::move(body), Frames{batch.payload}, {key_, {}}, Micros(prng_.between(100'000, 2'000'000)),
      [this, send, key = key_, done = std::move(done)](const Message& answer) {
        under_way_.erase(send);
        const Errc error = answer.header.error;
        // Of two copies that the network made, one may be refused and the other stored.
        const bool once = world_.options.network.duplicated_per_10k == 0;
        if (error == Errc::ok) {
          world_.checker.on_send_ok(send, key, std::get<ProduceReply>(answer.body).base_offset);
        } else if (once && fate_of(error) == Fate::did_not_happen) {
          world_.checker.on_send_fail(send, error);
        } else {
          world_.checker.on_send_info(send, error);
        }
        done(answer);
      });
}

void StrangerClient::send_once() {
  with_id([this](ProducerId id) { produce({id}, 0, expecting("sends once", {Errc::ok})); });
}

void StrangerClient::send_damaged() {
  Batch batch = one_record("damaged", now().wall);
  batch.header.crc ^= 1;
  Produce body;
  body.batch = batch.header;
  request_with_records(std::move(body), Frames{batch.payload}, {key_, {}}, 1s,
                       expecting("sends a damaged batch", {Errc::corrupt_record}));
}

void StrangerClient::send_oversized() {
  with_id([this](ProducerId id) {
    produce({id}, limits::record_bytes_default + 1,
            expecting("sends a record that is too large", {Errc::record_too_large}));
  });
}

void StrangerClient::leave_a_gap() {
  with_id([this](ProducerId id) {
    produce({id, ProducerEpoch(0), Sequence(5)}, 0,
            expecting("leaves a gap", {Errc::out_of_order_sequence}));
  });
}

void StrangerClient::send_in_turn(ProducerId id, std::int32_t sequence, std::int32_t count,
                                  std::function<void()> then) {
  if (sequence == count) return then();
  produce({id, ProducerEpoch(0), Sequence(sequence)}, 0,
          [this, id, sequence, count, then = std::move(then)](const Message& answer) {
            if (answer.header.error != Errc::ok) return next_turn();
            send_in_turn(id, sequence + 1, count, then);
          });
}

void StrangerClient::come_late() {
  with_id([this](ProducerId id) {
    send_in_turn(id, 0, 8, [this, id] {
      // Its bytes do not matter: the sequence says that it is there.
      Batch batch = one_record("late", now().wall);
      batch.header.producer_id = id;
      Produce body;
      body.batch = batch.header;
      request_with_records(std::move(body), Frames{batch.payload}, {key_, {}}, 1s,
                           expecting("comes late", {Errc::duplicate_sequence}));
    });
  });
}

void StrangerClient::be_two() {
  with_id([this](ProducerId id) {
    produce({id, ProducerEpoch(1)}, 0, [this, id](const Message& answer) {
      if (answer.header.error != Errc::ok) return next_turn();
      produce({id}, 0, expecting("uses an id that is taken", {Errc::fenced_producer}));
    });
  });
}

// ---- Questions

void StrangerClient::name_a_stranger() {
  ListOffset list;
  if (prng_.chance(1, 2)) {
    request(list, {{TopicId(1'000'000), PartitionIndex(0)}, {}}, 1s,
            expecting("names a topic that is not there", {Errc::unknown_topic}));
  } else {
    request(list, {{key_.topic, PartitionIndex(1'000)}, {}}, 1s,
            expecting("names a partition that is not there", {Errc::unknown_partition}));
  }
}

void StrangerClient::name_old_epoch() {
  ListOffset list;
  // The first is right for those that have never started again.
  request(
      list, {key_, Epoch(1)}, 1s,
      expecting("names an old epoch", {Errc::fenced_epoch, Errc::ok, Errc::offset_not_available}));
}

void StrangerClient::speak_as_node() {
  RegisterNode node;
  node.node = NodeId(1);
  node.store_id = "stolen";
  node.incarnation = Incarnation(1'000'000);
  request(std::move(node), 1s, expecting("speaks as a node", {Errc::unauthorized}));
}

void StrangerClient::greet_wrongly() {
  Hello hello;
  hello.client_name = name();
  if (prng_.chance(1, 2)) {
    hello.cluster_id = "another";
    request(std::move(hello), 1s, expecting("greets another cluster", {Errc::wrong_cluster}));
  } else {
    hello.version_min = protocol_version + 1;
    hello.version_max = protocol_version + 1;
    request(std::move(hello), 1s,
            expecting("greets in another version", {Errc::unsupported_version}));
  }
}

void StrangerClient::ask_nonsense() {
  FetchPosition fetch;
  request(std::move(fetch), {key_, {}}, 1s,
          expecting("asks for a reader without a name", {Errc::malformed, Errc::invalid_argument}));
}

void StrangerClient::ask_sql() {
  Query query;
  query.sql = prng_.chance(1, 2) ? "select count(*) from messages" : "drop the messages";
  const bool sane = query.sql.front() == 's';
  request(std::move(query), {key_, {}}, 2s,
          sane ? expecting("asks in SQL", {Errc::ok})
               : expecting("asks in no SQL", {Errc::sql_invalid, Errc::sql_refused}));
}

void StrangerClient::create_wrongly() {
  CreateTopic create;
  create.name = "no/topic";
  if (prng_.chance(1, 2)) {
    create.name = "copied";
    create.config.replication = 9;  // More than there are nodes.
  }
  request(std::move(create), 1s,
          expecting("creates what cannot be",
                    {Errc::invalid_argument, Errc::malformed, Errc::no_nodes}));
}

void StrangerClient::read_beyond_end() {
  Fetch fetch;
  fetch.offset = Offset(1'000'000'000);
  fetch.bytes_max = 1'000;
  request(fetch, {key_, {}}, 1s, expecting("reads beyond the end", {Errc::offset_out_of_range}));
}

}  // namespace pinion::sim
