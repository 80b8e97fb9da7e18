// Reading from an offset, and SQL.
#include "gateway/cluster/cluster.hpp"
#include "gateway/cluster/record_json.hpp"
#include "gateway/core/answers.hpp"
#include "gateway/http/clock.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>
#include <utility>

namespace pinion::gateway {
namespace {

constexpr std::uint32_t read_bytes = static_cast<std::uint32_t>(limits::mib);

HttpAnswer read_answer(const ReadRecordsCommand& command, const FetchAnswer& fetched) {
  JsonArray records;
  Offset next = fetched.next;
  std::uint32_t left = command.records_max;
  for (const ConsumerRecord& record : fetched.records) {
    if (left-- == 0) {
      next = record.offset;
      break;
    }
    records.add_json(record_json(record, WithPartition::no));
  }
  JsonObject object = success();
  object.add("topic", command.topic);
  object.add("partition_id", std::int64_t{command.partition.raw()});
  object.add_json("records", records.take());
  object.add("next_offset", next.raw());
  object.add("log_start", fetched.log_start.raw());
  object.add("high_watermark", fetched.high_watermark.raw());
  return answer(std::move(object));
}

/// One read. Asks once without waiting; only when there is nothing it takes a place and asks again
/// until there is something, the time is over, or nobody waits any more. Lives as long as its
/// callbacks and what may hurry it.
class RecordRead : public std::enable_shared_from_this<RecordRead> {
 public:
  RecordRead(Calls calls, std::shared_ptr<FetchLanes> lanes, Places& places,
             ReadRecordsCommand command, Micros answer_within, Cluster::Respond respond)
      : calls_(std::move(calls)),
        lanes_(std::move(lanes)),
        command_(std::move(command)),
        answer_within_(answer_within),
        place_(places),
        respond_(std::move(respond)) {}

  void begin(const Cluster::Topic& topic) {
    const std::size_t count = topic->partitions.size();
    if (static_cast<std::size_t>(command_.partition.raw()) >= count) {
      return finish(no_such_partition(topic->name, command_.partition.raw(), count));
    }
    if (command_.from.kind == ReadFrom::Kind::offset) return read_from(command_.from.offset);
    const Place place =
        command_.from.kind == ReadFrom::Kind::latest ? Place::latest() : Place::earliest();
    calls_.list_offset({command_.topic, command_.partition}, place, answer_within_,
                       [self = shared_from_this()](Result<Offset> offset) {
                         if (!offset) return self->fail(offset.error());
                         self->read_from(*offset);
                       });
  }
  void finish(HttpAnswer answer) {
    Cluster::Respond respond;
    {
      const std::lock_guard lock(mutex_);
      respond.swap(respond_);
    }
    if (respond) respond(std::move(answer));
  }
  /// Any thread.
  void hurry() {
    std::optional<HttpAnswer> nothing;
    {
      const std::lock_guard lock(mutex_);
      is_hurried_ = true;
      nothing = std::exchange(nothing_, std::nullopt);
    }
    if (nothing) finish(std::move(*nothing));
  }

 private:
  void fail(const Error& error) { finish(failed(error, command_.topic)); }

  void read_from(Offset offset) {
    offset_ = offset;
    until_ = monotonic_now() + command_.wait;
    fetch(Micros{0});
  }

  void fetch(Micros wait) {
    FetchCall fetch;
    fetch.topic = command_.topic;
    fetch.partition = command_.partition;
    fetch.offset = offset_;
    fetch.bytes_max = read_bytes;
    fetch.wait = wait;
    lanes_->fetch(fetch, wait + answer_within_,
                  [self = shared_from_this()](const FetchLanes::Answer& fetched) {
                    self->on_fetched(fetched->answer());
                  });
  }

  void on_fetched(const Result<FetchAnswer>& fetched) {
    if (!fetched && fetched.error().code == Errc::offset_out_of_range) {
      return tell_range(fetched.error());
    }
    if (!fetched) return fail(fetched.error());
    HttpAnswer answer = read_answer(command_, *fetched);
    const Micros left = until_ - monotonic_now();
    if (!fetched->records.empty() || left < Micros(1ms)) {
      return finish(std::move(answer));
    }
    bool is_hurried = false;
    {
      const std::lock_guard lock(mutex_);
      is_hurried = is_hurried_;
      // Whom nobody waits for any more takes no place.
      if (!is_hurried && !has_place_) has_place_ = place_.try_take(1);
      if (!is_hurried && has_place_) nothing_ = std::move(answer);
    }
    if (is_hurried) return finish(std::move(answer));
    if (!has_place_) return fail(no_place_to_wait());
    fetch(std::min(left, fetch_waits));
  }

  /// The offset is not in the log: what is?
  void tell_range(const Error& error) {
    calls_.fetch_position({command_.topic, command_.partition}, "consumer:http", {}, answer_within_,
                          [self = shared_from_this(), error](Result<FetchPositionReply> range) {
                            Failure failure = failure_of(error, self->command_.topic);
                            if (range) {
                              failure.object.add("log_start", range->log_start.raw());
                              failure.object.add("log_end", range->high_watermark.raw());
                            }
                            self->finish(answer(std::move(failure)));
                          });
  }

  Calls calls_;
  std::shared_ptr<FetchLanes> lanes_;
  const ReadRecordsCommand command_;
  const Micros answer_within_;
  HeldPlaces place_;
  bool has_place_ = false;
  Offset offset_{0};
  Micros until_{0};
  std::mutex mutex_;  ///< Of what hurry() touches, below.
  bool is_hurried_ = false;
  std::optional<HttpAnswer> nothing_;  ///< While it waits: what it answers when it is to stop.
  Cluster::Respond respond_;
};

}  // namespace

HttpApplication::Hurry Cluster::read(const ReadRecordsCommand& command, Respond respond) {
  const auto reading = std::make_shared<RecordRead>(calls_, lanes_, poll_places_, command,
                                                    options_.answer_within, std::move(respond));
  with_topic(
      command.topic, [reading](HttpAnswer refusal) { reading->finish(std::move(refusal)); },
      [reading](const Topic& topic) { reading->begin(topic); });
  if (command.wait == Micros{0}) return {};
  return [reading] { reading->hurry(); };
}

// ---- SQL

namespace {

std::string value_json(const SqlValue& value) {
  struct Write {
    std::string operator()(std::monostate) const { return "null"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const {
      return std::isfinite(number) ? Json(number).dump() : "null";
    }
    std::string operator()(const std::string& text) const {
      if (!is_utf8(text)) return (*this)(SqlBlob{text});
      std::string json;
      append_json_string(json, text);
      return json;
    }
    std::string operator()(const SqlBlob& blob) const {
      return JsonObject().add("base64", base64_encode(blob.bytes)).take();
    }
  };
  return std::visit(Write{}, value);
}

/// Of one answer: no partition is asked any more when it has grown so far. Each adds up to 4 MiB,
/// and a topic may have thousands.
constexpr std::size_t rows_bytes_max = 16 * limits::mib;

/// So long a lane is held for one query: what the node gives it, and some for the way. One whose
/// partition has lost its leader gives the lane to others then.
constexpr Micros held_lane_max = limits::query_time_max + 2s;

/// One query over one partition after the other, each in the lane of its node. Lives as long as its
/// callbacks, its place in line and what may hurry it.
class Querying : public QueryInLane, public std::enable_shared_from_this<Querying> {
 public:
  Querying(Calls calls, Places& places, QueryLanes& lanes, QueryCommand command, Micros timeout,
           Cluster::Respond respond)
      : calls_(std::move(calls)),
        command_(std::move(command)),
        timeout_(timeout),
        place_(places),
        lanes_(&lanes),
        rows_left_(command_.rows_max),
        respond_(std::move(respond)) {}

  void begin(Cluster::Topic topic, std::int32_t first, std::int32_t last) {
    if (!place_.try_take(1)) return fail(no_place_for_query());
    topic_ = std::move(topic);
    next_ = first;
    last_ = last;
    go_on();
  }
  void refuse(HttpAnswer refusal) { respond_(std::move(refusal)); }
  /// Any thread. The partition that is being asked cannot be stopped; no further one is asked.
  void hurry() {
    bool was_in_line = false;
    {
      const std::lock_guard lock(mutex_);
      is_hurried_ = true;
      was_in_line = is_in_lane_ && lanes_->abandon(node_, *this);
      if (was_in_line) is_in_lane_ = false;
    }
    if (was_in_line) end_early();
  }
  void on_turn() override {
    if (monotonic_now() < until_ && !is_hurried()) return ask();
    leave();
    end_early();
  }

 private:
  void fail(const Error& error) { respond_(failed(error, command_.topic)); }

  void go_on() {
    if (next_ > last_) return finish();
    if (rows_left_ == 0 || rows_.bytes() > rows_bytes_max) return cut_off();
    until_ = monotonic_now() + timeout_;
    stand_in_line();
  }
  void stand_in_line() {
    const auto entered = enter(leader());
    if (entered == QueryLanes::Entered::turn) return on_turn();
    if (entered == QueryLanes::Entered::refused) end_early();
  }
  /// As it is known now: it may have changed since the query began.
  [[nodiscard]] NodeId leader() const {
    const Cluster::Topic known = calls_.known_topic(command_.topic);
    const bool is_same = known && known->id == topic_->id;
    return (is_same ? known : topic_)->partitions[static_cast<std::size_t>(next_)].leader;
  }

  /// Whom nobody waits for any more stands in no line.
  QueryLanes::Entered enter(NodeId node) {
    const std::lock_guard lock(mutex_);
    if (is_hurried_) return QueryLanes::Entered::refused;
    node_ = node;
    const QueryLanes::Entered entered = lanes_->enter(node, shared_from_this());
    is_in_lane_ = entered != QueryLanes::Entered::refused;
    return entered;
  }
  void leave() {
    {
      const std::lock_guard lock(mutex_);
      is_in_lane_ = false;
    }
    lanes_->leave(node_);
  }
  [[nodiscard]] bool is_hurried() {
    const std::lock_guard lock(mutex_);
    return is_hurried_;
  }

  void ask() {
    const PartitionIndex partition = topic_->partitions[static_cast<std::size_t>(next_)].partition;
    calls_.query({command_.topic, partition}, command_.sql, rows_left_, held_lane_max,
                 [self = shared_from_this()](Result<QueryReply> reply) {
                   self->leave();
                   if (reply) {
                     self->take(*reply);
                     ++self->next_;
                     return self->go_on();
                   }
                   const bool waits_for_leader = reply.error().code == Errc::partition_offline &&
                                                 monotonic_now() < self->until_;
                   if (waits_for_leader) return self->stand_in_line();
                   self->fail(reply.error());
                 });
  }

  void take(const QueryReply& reply) {
    if (columns_.empty()) {
      JsonArray names;
      for (const std::string& column : reply.columns) {
        std::string json;
        append_json_string(json, is_utf8(column) ? column : printable(column, column.size()));
        names.add_json(json);
      }
      columns_ = names.take();
    }
    for (const std::vector<SqlValue>& row : reply.rows) {
      JsonArray values;
      for (const SqlValue& value : row) values.add_json(value_json(value));
      rows_.add_json(values.take());
    }
    rows_left_ -= std::min(rows_left_, static_cast<std::uint32_t>(reply.rows.size()));
    truncated_ |= reply.truncated;
  }
  /// Without what there is: it would be taken for all.
  void end_early() { fail(is_hurried() ? nobody_waits() : node_is_taken()); }
  /// There may be more.
  void cut_off() {
    truncated_ = true;
    finish();
  }
  void finish() {
    JsonObject object = success();
    object.add_json("columns", columns_.empty() ? "[]" : columns_);
    object.add_json("rows", rows_.take());
    object.add("truncated", truncated_);
    respond_(answer(std::move(object)));
  }

  Calls calls_;
  const QueryCommand command_;
  Cluster::Topic topic_;
  std::int32_t next_ = 0;
  std::int32_t last_ = 0;
  const Micros timeout_;
  HeldPlaces place_;
  QueryLanes* lanes_;
  Micros until_{0};   ///< So long it waits for its turn, and for a leader.
  std::mutex mutex_;  ///< Of what hurry() touches, below.
  bool is_hurried_ = false;
  bool is_in_lane_ = false;  ///< In that of node_: in line, or on its way.
  NodeId node_ = node_none;
  std::uint32_t rows_left_;
  std::string columns_;
  JsonArray rows_;
  bool truncated_ = false;
  const Cluster::Respond respond_;
};

}  // namespace

HttpApplication::Hurry Cluster::query(const QueryCommand& command, Respond respond) {
  const auto querying = std::make_shared<Querying>(calls_, query_places_, query_lanes_, command,
                                                   options_.answer_within + limits::query_time_max,
                                                   std::move(respond));
  with_topic(
      command.topic, [querying](HttpAnswer refusal) { querying->refuse(std::move(refusal)); },
      [querying, wanted = command.partition](const Topic& topic) {
        const auto count = static_cast<std::int32_t>(topic->partitions.size());
        if (wanted && wanted->raw() >= count) {
          return querying->refuse(
              no_such_partition(topic->name, wanted->raw(), static_cast<std::size_t>(count)));
        }
        querying->begin(topic, wanted ? wanted->raw() : 0, wanted ? wanted->raw() : count - 1);
      });
  return [querying] { querying->hurry(); };
}

}  // namespace pinion::gateway
