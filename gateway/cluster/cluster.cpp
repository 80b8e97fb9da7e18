#include "gateway/cluster/cluster.hpp"

#include "common/proto/validate.hpp"
#include "gateway/cluster/follow_feed.hpp"
#include "gateway/core/answers.hpp"
#include "gateway/http/clock.hpp"

#include <random>
#include <utility>

namespace pinion::gateway {
namespace {

/// A broker that restarts is waited for by each command; one that has been away for longer than
/// this is not, so that nobody piles up: neither by commands nor by streams.
constexpr Micros away_patience = 3s;

/// Whoever starts a gateway sees at once when its broker is another cluster's; one that is not
/// there is waited for while serving.
constexpr Micros connect_timeout = 250ms;

std::uint64_t random_number() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

/// Of a command that is not sent. A repeat of a dequeue is another one's too: what became of the
/// attempt before it nobody here knows.
Fate fate_unsent(const Command& command) {
  const auto* dequeue = std::get_if<DequeueCommand>(&command);
  const bool may_be_repeat = dequeue != nullptr && !dequeue->request_id.empty();
  return may_be_repeat ? Fate::unknown : Fate::did_not_happen;
}

/// `fate`: what it is told instead of what the error says of itself.
HttpAnswer failed_so(const Error& error, const std::string& topic, std::optional<Fate> fate) {
  return fate ? failed(error, topic, *fate) : failed(error, topic);
}

}  // namespace

Cluster::Cluster(ClusterOptions options, std::unique_ptr<Client> client,
                 std::unique_ptr<Producer> producer)
    : options_(std::move(options)),
      client_(std::move(client)),
      producer_(std::move(producer)),
      calls_(client_->calls()),
      lanes_(std::make_shared<FetchLanes>(
          [calls = calls_](const FetchCall& call, Micros timeout,
                           std::function<void(Result<FetchAnswer>)> then) mutable {
            calls.fetch(call, timeout, std::move(then));
          },
          monotonic_now)),
      first_number_(random_number() & ~std::uint64_t{0xffff'ffff}) {}

Result<std::unique_ptr<Cluster>> Cluster::open(const ClusterOptions& options) {
  ClientOptions client_options;
  client_options.broker = options.broker;
  client_options.name = "pinion-gateway";
  client_options.if_away = BrokerAway::go_on;
  client_options.connect_timeout = connect_timeout;
  PINION_TRY(client, Client::connect(client_options));
  ProducerOptions producer_options;
  producer_options.back_pressure = BackPressure::fail;
  producer_options.delivery_timeout = options.answer_within;
  producer_options.buffer_bytes_max = 64 * limits::mib;
  PINION_TRY(producer, client->producer(producer_options));
  return std::unique_ptr<Cluster>(new Cluster(options, std::move(client), std::move(producer)));
}

Cluster::~Cluster() { close(); }

void Cluster::close() {
  static_cast<void>(producer_->close(1s));
  client_->close();
}

bool Cluster::is_away() const {
  const ConnectionStatus status = client_->status();
  return !status.connected && status.away_for > away_patience;
}

HttpApplication::Hurry Cluster::carry_out(Command command, Respond respond) {
  if (is_away()) {
    const Error away{Errc::connection_lost, client_->status().problem};
    respond(std::holds_alternative<HealthCommand>(command)
                ? unhealthy(away)
                : failed(away, {}, fate_unsent(command)));
    return {};
  }
  if (const auto* reading = std::get_if<ReadRecordsCommand>(&command)) {
    return read(*reading, std::move(respond));
  }
  if (const auto* asking = std::get_if<QueryCommand>(&command)) {
    return query(*asking, std::move(respond));
  }
  std::visit([&](auto& what) { on(what, std::move(respond)); }, command);
  return {};
}

void Cluster::follow(FollowCommand command, std::function<void(HttpResult)> then) {
  if (is_away()) {
    const Error away{Errc::connection_lost, client_->status().problem};
    return then(failed(away, {}, Fate::did_not_happen));
  }
  FollowFeed::open(calls_, lanes_, tail_places_, std::move(command), options_.answer_within,
                   std::move(then));
}

// ---- What most commands begin with

void Cluster::with_topic(const std::string& name, Respond respond, std::function<void(Topic)> then,
                         MaybeFate fate) {
  if (auto known = calls_.known_topic(name)) return then(std::move(known));
  if (!validate_topic_name(name)) return respond(no_such_topic(name));
  calls_.find_topic(
      name, options_.answer_within,
      [name, fate, respond = std::move(respond), then = std::move(then)](Result<Topic> topic) {
        if (!topic) return respond(failed_so(topic.error(), name, fate));
        then(std::move(*topic));
      });
}

void Cluster::with_registration(ClientKind of, RegistrationId id, const Topic& topic,
                                Respond respond, std::function<void(Registration)> then,
                                MaybeFate fate) {
  const auto invalid = [of] {
    return of == ClientKind::producer ? invalid_producer() : invalid_consumer();
  };
  if (const auto known = registrations_.find(of, id)) {
    if (known->topic != topic->id) return respond(invalid());
    return then(*known);
  }
  calls_.find_registration(
      of, id, options_.answer_within,
      [this, of, id, topic, invalid, fate, respond = std::move(respond),
       then = std::move(then)](Result<FindRegistrationReply> found) {
        if (!found && found.error().code == Errc::unknown_reader) return respond(invalid());
        if (!found) return respond(failed_so(found.error(), topic->name, fate));
        const Registration registration{found->topic, partition_of_name(found->name)};
        registrations_.put(of, id, registration);
        if (registration.topic != topic->id) return respond(invalid());
        then(registration);
      });
}

void Cluster::with_client(ClientKind of, const std::string& topic_name, RegistrationId id,
                          MaybePartition partition, Respond respond,
                          std::function<void(Topic, MaybePartition)> then, MaybeFate fate) {
  with_topic(
      topic_name, respond,
      [this, of, id, partition, respond, fate, then = std::move(then)](Topic topic) {
        with_registration(
            of, id, topic, respond,
            [topic, partition, respond, then](const Registration& registration) {
              const MaybePartition use = partition ? partition : registration.partition;
              const std::size_t count = topic->partitions.size();
              if (use && static_cast<std::size_t>(use->raw()) >= count) {
                return respond(no_such_partition(topic->name, use->raw(), count));
              }
              then(topic, use);
            },
            fate);
      },
      fate);
}

// ---- Topics

void Cluster::on(CreateTopicCommand& command, Respond respond) {
  TopicConfig config;
  config.partitions = command.partitions;
  config.replication = 0;  // As many as is usual there.
  calls_.create_topic(
      command.topic, config, options_.answer_within,
      [name = command.topic, respond = std::move(respond)](Result<TopicMetadata> topic) {
        if (!topic) return respond(failed(topic.error(), name));
        respond(answer(
            std::move(success().add("message", "Topic '" + name + "' created successfully"))));
      });
}

void Cluster::on(ListTopicsCommand&, Respond respond) {
  calls_.list_topics(options_.answer_within,
                     [respond = std::move(respond)](Result<std::vector<TopicMetadata>> topics) {
                       if (!topics) return respond(failed(topics.error(), {}));
                       JsonArray names;
                       for (const TopicMetadata& topic : *topics)
                         names.add_json('"' + topic.name + '"');
                       respond(answer(std::move(success().add_json("topics", names.take()))));
                     });
}

void Cluster::on(ListPartitionsCommand& command, Respond respond) {
  with_topic(command.topic, respond, [respond](const Topic& topic) {
    JsonArray numbers;
    for (const PartitionMetadata& one : topic->partitions) numbers.add(one.partition.raw());
    respond(answer(std::move(success().add_json("partitions", numbers.take()))));
  });
}

void Cluster::on(DeleteTopicCommand& command, Respond respond) {
  calls_.delete_topic(command.topic, options_.answer_within,
                      [name = command.topic, respond = std::move(respond)](Result<void> deleted) {
                        if (!deleted) return respond(failed(deleted.error(), name));
                        respond(answer(std::move(success().add(
                            "message", "Topic '" + name + "' deleted successfully"))));
                      });
}

// ---- Registrations

std::string Cluster::new_registration_name(MaybePartition partition) {
  return name_of_registration(first_number_ + numbers_.fetch_add(1), partition);
}

void Cluster::on_registered(ClientKind of, MaybePartition partition, const std::string& topic,
                            Result<Registered> registered, const Respond& respond) {
  if (!registered) return respond(failed(registered.error(), topic));
  registrations_.put(of, registered->id, {registered->topic.id, partition});
  const std::int64_t id = registered->id.raw();
  JsonObject object = success();
  if (of == ClientKind::producer) {
    object.add("producer_id", id);
    object.add("num_partitions", static_cast<std::int64_t>(registered->topic.partitions.size()));
    object.add("message", "Producer registered with ID " + std::to_string(id));
  } else {
    object.add("consumer_id", id);
    object.add("message", "Consumer registered with ID " + std::to_string(id));
  }
  respond(answer(std::move(object)));
}

void Cluster::on(RegisterProducerCommand& command, Respond respond) {
  const auto register_it = [this, command, respond] {
    calls_.register_producer(command.topic, new_registration_name(command.partition),
                             Admin::CreateTopics::yes, options_.answer_within,
                             [this, command, respond](Result<Registered> registered) {
                               on_registered(ClientKind::producer, command.partition, command.topic,
                                             std::move(registered), respond);
                             });
  };
  if (!command.partition) return register_it();
  calls_.find_topic(command.topic, options_.answer_within,
                    [command, respond, register_it](Result<Topic> topic) {
                      if (!topic && topic.error().code != Errc::unknown_topic) {
                        return respond(failed(topic.error(), command.topic));
                      }
                      // One that is made now will have one partition.
                      const std::size_t count = topic ? (*topic)->partitions.size() : 1;
                      const std::int32_t wanted = command.partition->raw();
                      if (static_cast<std::size_t>(wanted) >= count) {
                        return respond(no_such_partition(command.topic, wanted, count));
                      }
                      register_it();
                    });
}

void Cluster::on(RegisterConsumerCommand& command, Respond respond) {
  with_topic(command.topic, respond, [this, command, respond](const Topic& topic) {
    const std::size_t count = topic->partitions.size();
    if (command.partition && static_cast<std::size_t>(command.partition->raw()) >= count) {
      return respond(no_such_partition(command.topic, command.partition->raw(), count));
    }
    calls_.register_consumer(command.topic, new_registration_name(command.partition),
                             options_.answer_within,
                             [this, command, respond](Result<Registered> registered) {
                               on_registered(ClientKind::consumer, command.partition, command.topic,
                                             std::move(registered), respond);
                             });
  });
}

// ---- Not for here

void Cluster::on(MetricsCommand&, Respond respond) { respond(unknown_path("/metrics")); }
void Cluster::on(FollowCommand&, Respond respond) { respond(unknown_path("/events")); }
void Cluster::on(ReadRecordsCommand& command, Respond respond) {
  static_cast<void>(read(command, std::move(respond)));
}
void Cluster::on(QueryCommand& command, Respond respond) {
  static_cast<void>(query(command, std::move(respond)));
}

}  // namespace pinion::gateway
