#include "gateway/core/read_command.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/proto/validate.hpp"
#include "gateway/core/answers.hpp"
#include "gateway/core/openapi.hpp"
#include "gateway/core/parameters.hpp"
#include "gateway/core/read_records.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace pinion::gateway {
namespace {

using Read = std::variant<HttpAnswer, Command>;

constexpr std::uint32_t read_records_max = 10'000;
/// Of a batch's JSON: the most records, with eight names and values each. 260,000 take about 25 MiB
/// and 50 ms at the very most.
constexpr std::size_t batch_values_max = 16 * limits::batch_records_max;

bool is_request_id(std::string_view id) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return id.size() <= limits::request_token_bytes_max && is_utf8(id) &&
         std::none_of(id.begin(), id.end(), is_control);
}

/// An id of another kind as one of ours: its FNV-1a, 64 bits.
std::string folded(std::string_view id) {
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  return "folded." + std::to_string(hash) + "." + std::to_string(id.size());
}

/// The parameters of one request, asked for one after the other. The first that is missing or wrong
/// is what the answer says; what is asked after it does not count.
class Reader {
 public:
  Reader(const HttpRequest& request, const Route& route, Parameters parameters)
      : request_(&request), route_(&route), parameters_(std::move(parameters)) {}

  /// Of the path, or a parameter.
  std::string topic(Parameters::Names names = {"topic", "topic_name"}) {
    std::string name = route_->topic;
    if (name.empty()) name = parameters_.text(names).value_or("");
    if (name.empty()) refuse(missing("topic"));
    return name;
  }

  std::string message() {
    auto text = parameters_.text({"message", "log_message"});
    if (!text) {
      refuse(missing("message"));
      return {};
    }
    if (!is_utf8(*text)) refuse(refused("message is not UTF-8"));
    return std::move(*text);
  }

  MaybePartition partition() {
    const GivenNumber given = parameters_.number({"partition_id", "partition", "partition_index"});
    if (!given.is_given || given.value == -1) return std::nullopt;
    return checked_partition(given.value);
  }

  PartitionIndex partition_of_path() {
    std::int32_t number = -1;
    const std::string& text = route_->partition;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    const auto partition =
        checked_partition(whole ? std::optional<std::int64_t>(number) : std::nullopt);
    return partition.value_or(PartitionIndex(0));
  }

  RegistrationId producer() { return registration("producer_id", invalid_producer()); }
  RegistrationId consumer() { return registration("consumer_id", invalid_consumer()); }
  std::optional<RegistrationId> maybe_producer() {
    if (!parameters_.number({"producer_id"}).is_given) return std::nullopt;
    return producer();
  }

  std::optional<Sequence> sequence() {
    const GivenNumber given = parameters_.number({"sequence"});
    if (!given.is_given) return std::nullopt;
    // Behind the last one there must be room for a batch.
    constexpr std::int64_t sequence_max = (std::int64_t{1} << 62) - limits::batch_records_max;
    if (!given.value || *given.value < 0 || *given.value > sequence_max) {
      refuse(refused("sequence is a number from 0"));
      return std::nullopt;
    }
    return Sequence(*given.value);
  }

  std::string request_id() {
    std::string id = parameters_.text({"request_id"}).value_or("");
    if (!id.empty()) {
      if (!is_request_id(id)) {
        refuse(refused("request_id is longer than " +
                       std::to_string(limits::request_token_bytes_max) +
                       " bytes, or not printable UTF-8"));
      }
      return id;
    }
    // The header is a load balancer's as often as the client's: whatever it makes is taken.
    id = request_->request_id;
    return is_request_id(id) ? id : folded(id);
  }

  /// A number with a default.
  std::int64_t number(std::string_view name, std::int64_t otherwise, std::int64_t low,
                      std::int64_t high) {
    const GivenNumber given = parameters_.number({name});
    if (!given.is_given) return otherwise;
    if (!given.value || *given.value < low || *given.value > high) {
      refuse(refused(std::string(name) + " is a number from " + std::to_string(low) + " to " +
                     std::to_string(high)));
      return otherwise;
    }
    return *given.value;
  }

  std::int32_t partition_count() {
    const Parameters::Names names = {"partitions", "num_partitions", "number_of_partitions"};
    const GivenNumber given = parameters_.number(names);
    if (!given.is_given) return 1;
    if (!given.value || *given.value < 1 || *given.value > limits::partitions_per_topic_max) {
      refuse(refused("partitions is a number from 1 to " +
                     std::to_string(limits::partitions_per_topic_max)));
      return 1;
    }
    return static_cast<std::int32_t>(*given.value);
  }

  ReadFrom read_from(std::string_view name, ReadFrom::Kind otherwise) {
    const std::string text = parameters_.text({name}).value_or("");
    if (text.empty()) return {otherwise, Offset{0}};
    if (text == "earliest") return {ReadFrom::Kind::earliest, Offset{0}};
    if (text == "latest") return {ReadFrom::Kind::latest, Offset{0}};
    const GivenNumber given = parameters_.number({name});
    if (!given.value || *given.value < 0 || *given.value > std::int64_t{1} << 62) {
      refuse(refused(std::string(name) + " is earliest, latest or an offset from 0"));
      return {};
    }
    return {ReadFrom::Kind::offset, Offset(*given.value)};
  }

  std::string required(std::string_view name) {
    auto text = parameters_.text({name});
    if (!text || text->empty()) refuse(missing(name));
    return text.value_or("");
  }

  std::vector<RecordToSend> records() {
    const Json* json = parameters_.json("records");
    if (json == nullptr) {
      refuse(refused("Missing records: send them as a JSON array"));
      return {};
    }
    auto list = read_records(*json);
    if (list) return std::move(*list);
    refuse(refused(list.error().detail, pinion::name_of(list.error().code)));
    return {};
  }

  [[nodiscard]] const HttpRequest& request() const noexcept { return *request_; }
  void refuse(HttpAnswer answer) {
    if (!refusal_) refusal_ = std::move(answer);
  }
  [[nodiscard]] bool is_refused() const noexcept { return refusal_.has_value(); }

  /// The command, unless something was refused.
  Read finish(Command command) {
    if (refusal_) return std::move(*refusal_);
    return command;
  }

 private:
  MaybePartition checked_partition(std::optional<std::int64_t> number) {
    if (!number || *number < 0 || *number > std::numeric_limits<std::int32_t>::max()) {
      refuse(refused("Invalid partition: it is a number from 0", "unknown_partition"));
      return std::nullopt;
    }
    return PartitionIndex(static_cast<std::int32_t>(*number));
  }

  RegistrationId registration(std::string_view name, HttpAnswer invalid) {
    const GivenNumber given = parameters_.number({name});
    if (!given.is_given) {
      refuse(missing(name));
      return RegistrationId{0};
    }
    if (!given.value || *given.value < 1) refuse(std::move(invalid));
    return RegistrationId(given.value.value_or(0));
  }

  const HttpRequest* request_;
  const Route* route_;
  Parameters parameters_;
  std::optional<HttpAnswer> refusal_;
};

Read read_enqueue(Reader& in) {
  EnqueueCommand command;
  command.topic = in.topic();
  command.producer = in.producer();
  command.message = in.message();
  command.partition = in.partition();
  command.sequence = in.sequence();
  if (command.sequence && !command.partition) {
    in.refuse(refused("sequence needs a partition: it counts per producer and partition"));
  }
  return in.finish(std::move(command));
}

Read read_dequeue(Reader& in) {
  DequeueCommand command;
  command.topic = in.topic();
  command.consumer = in.consumer();
  command.partition = in.partition();
  command.request_id = in.request_id();
  return in.finish(std::move(command));
}

Read read_send(Reader& in) {
  const std::string topic = in.topic();
  const MaybePartition partition = in.partition();
  const std::optional<Sequence> sequence = in.sequence();
  const std::optional<RegistrationId> producer = in.maybe_producer();
  std::vector<RecordToSend> records = in.records();
  if (!sequence) {
    for (RecordToSend& record : records) {
      if (!record.partition) record.partition = partition;
    }
    return in.finish(SendRecordsCommand{topic, std::move(records), producer});
  }
  if (!partition || !producer) {
    in.refuse(refused("sequence needs a producer_id and a partition"));
  }
  for (const RecordToSend& record : records) {
    if (record.partition && record.partition != partition) {
      in.refuse(refused("with a sequence all records are of the request's partition"));
    }
  }
  if (in.is_refused()) return in.finish(HealthCommand{});
  return in.finish(SendBatchCommand{topic, *producer, *partition, *sequence, std::move(records)});
}

Read read_reading(Reader& in) {
  ReadRecordsCommand command;
  command.topic = in.topic();
  command.partition = in.partition_of_path();
  command.from = in.read_from("offset", ReadFrom::Kind::earliest);
  command.wait = Micros(in.number("wait_ms", 0, 0, limits::fetch_wait_max / 1ms) * 1000);
  command.records_max = static_cast<std::uint32_t>(in.number("max", 500, 1, read_records_max));
  return in.finish(std::move(command));
}

/// "0:11,1:4".
std::vector<std::pair<PartitionIndex, Offset>> read_event_id(std::string_view id) {
  std::vector<std::pair<PartitionIndex, Offset>> places;
  while (!id.empty()) {
    const std::string_view pair = id.substr(0, id.find(','));
    id.remove_prefix(std::min(id.size(), pair.size() + 1));
    const std::size_t colon = std::min(pair.find(':'), pair.size());
    std::int32_t partition = -1;
    std::int64_t offset = -1;
    std::from_chars(pair.data(), pair.data() + colon, partition);
    if (colon < pair.size()) {
      std::from_chars(pair.data() + colon + 1, pair.data() + pair.size(), offset);
    }
    if (partition >= 0 && offset >= 0) {
      places.emplace_back(PartitionIndex(partition), Offset(offset));
    }
  }
  return places;
}

Read read_follow(Reader& in) {
  FollowCommand command;
  command.topic = in.topic();
  command.partition = in.partition();
  command.from = in.read_from("from", ReadFrom::Kind::latest);
  command.go_on_at = read_event_id(in.request().last_event_id);
  if (command.from.kind == ReadFrom::Kind::offset && !command.partition) {
    in.refuse(refused("from an offset needs a partition"));
  }
  return in.finish(std::move(command));
}

Read read_query(Reader& in) {
  QueryCommand command;
  command.topic = in.topic();
  command.sql = in.required("sql");
  command.partition = in.partition();
  command.rows_max = static_cast<std::uint32_t>(
      in.number("rows_max", limits::query_rows_default, 1, limits::query_rows_max));
  return in.finish(std::move(command));
}

Read read_position(Reader& in) {
  MovePositionCommand command;
  command.topic = in.topic();
  command.partition = in.partition_of_path();
  command.consumer = in.consumer();
  static_cast<void>(in.required("offset"));
  command.offset = Offset(in.number("offset", 0, 0, std::int64_t{1} << 62));
  return in.finish(std::move(command));
}

HttpAnswer alive(Call call) {
  if (call == Call::ping) {
    HttpAnswer pong;
    pong.body = R"({"message":"pong"})";
    return pong;
  }
  return answer(std::move(success().add("service", "pinion-gateway")));
}

/// Calls that take no parameters; a body that comes all the same is not looked at.
std::optional<Read> read_plain(Call call, const HttpRequest& request, const Route& route) {
  switch (call) {
    case Call::unknown_path:
      return unknown_path(request.target);
    case Call::wrong_method:
      return wrong_method(request.method, route.allow);
    case Call::root:
    case Call::ping:
      return alive(call);
    case Call::openapi: {
      HttpAnswer page;
      page.body = openapi_document();
      return page;
    }
    case Call::list_topics:
      return Command(ListTopicsCommand{});
    case Call::health:
      return Command(HealthCommand{});
    case Call::metrics:
      return Command(MetricsCommand{});
    case Call::cluster:
      return Command(ClusterCommand{});
    default:
      return std::nullopt;
  }
}

Read read_with_parameters(Call call, Reader& in) {
  switch (call) {
    case Call::create_topic: {
      CreateTopicCommand command;
      command.topic = in.topic({"topic", "topic_name", "name"});
      command.partitions = in.partition_count();
      return in.finish(std::move(command));
    }
    case Call::list_partitions:
      return in.finish(ListPartitionsCommand{in.topic()});
    case Call::register_producer: {
      std::string topic = in.topic();
      return in.finish(RegisterProducerCommand{std::move(topic), in.partition()});
    }
    case Call::register_consumer: {
      std::string topic = in.topic();
      return in.finish(RegisterConsumerCommand{std::move(topic), in.partition()});
    }
    case Call::enqueue:
      return read_enqueue(in);
    case Call::dequeue:
      return read_dequeue(in);
    case Call::size: {
      SizeCommand command;
      command.topic = in.topic();
      command.consumer = in.consumer();
      command.partition = in.partition();
      return in.finish(std::move(command));
    }
    case Call::send_records:
      return read_send(in);
    case Call::read_records:
      return read_reading(in);
    case Call::list_positions: {
      std::string topic = in.topic();
      return in.finish(ListPositionsCommand{std::move(topic), in.consumer()});
    }
    case Call::move_position:
      return read_position(in);
    case Call::follow:
      return read_follow(in);
    case Call::query:
      return read_query(in);
    case Call::describe_topic:
      return in.finish(DescribeTopicCommand{in.topic()});
    case Call::delete_topic:
      return in.finish(DeleteTopicCommand{in.topic()});
    default:
      return unknown_path(in.request().target);
  }
}

}  // namespace

ReadCommand read_command(const HttpRequest& request) {
  const Route route = find_route(request.method, request.target);
  if (auto plain = read_plain(route.call, request, route)) return {route.call, std::move(*plain)};
  // One message may be JSON of many values, as a batch is.
  const std::size_t values_max = brings_records(route.call) ? batch_values_max : json_values_max;
  auto parameters = Parameters::read(request, values_max);
  if (!parameters) {
    return {route.call, refused(parameters.error().detail, pinion::name_of(Errc::malformed))};
  }
  Reader reader(request, route, std::move(*parameters));
  return {route.call, read_with_parameters(route.call, reader)};
}

}  // namespace pinion::gateway
