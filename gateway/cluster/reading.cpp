// Reading from an offset, and SQL.
#include "gateway/cluster/cluster.hpp"
#include "gateway/cluster/record_json.hpp"
#include "gateway/core/answers.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pinion::gateway {
namespace {

/// Beyond so many, a read does not wait: each waiting one holds a request of the client's credit.
constexpr std::size_t waiting_reads_max = 4'000;
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

}  // namespace

void Cluster::on(ReadRecordsCommand& command, Respond respond) {
  with_topic(command.topic, respond, [this, command, respond](const Topic& topic) {
    const std::size_t count = topic->partitions.size();
    if (static_cast<std::size_t>(command.partition.raw()) >= count) {
      return respond(no_such_partition(topic->name, command.partition.raw(), count));
    }
    if (command.from.kind == ReadFrom::Kind::offset) {
      return read_from(command, command.from.offset, respond);
    }
    const OffsetSpec spec =
        command.from.kind == ReadFrom::Kind::latest ? OffsetSpec::latest : OffsetSpec::earliest;
    calls_.list_offset({command.topic, command.partition}, spec, options_.answer_within,
                       [this, command, respond](Result<Offset> offset) {
                         if (!offset) return respond(failed(offset.error(), command.topic));
                         read_from(command, *offset, respond);
                       });
  });
}

void Cluster::read_from(const ReadRecordsCommand& command, Offset offset, Respond respond) {
  const bool waits = command.wait > Micros{0} && waiting_reads_.load() < waiting_reads_max;
  const Micros wait = waits ? command.wait : Micros{0};
  if (waits) ++waiting_reads_;
  calls_.fetch({command.topic, command.partition, offset, read_bytes, wait},
               wait + options_.answer_within,
               [this, command, waits, respond](Result<FetchAnswer> fetched) {
                 if (waits) --waiting_reads_;
                 if (fetched) return respond(read_answer(command, *fetched));
                 if (fetched.error().code == Errc::offset_out_of_range) {
                   return tell_range(command, fetched.error(), respond);
                 }
                 respond(failed(fetched.error(), command.topic));
               });
}

/// The offset is not in the log: what is?
void Cluster::tell_range(const ReadRecordsCommand& command, const Error& error, Respond respond) {
  calls_.fetch_position({command.topic, command.partition}, "consumer:http", {},
                        options_.answer_within,
                        [command, error, respond](Result<FetchPositionReply> range) {
                          Failure failure = failure_of(error, command.topic);
                          if (range) {
                            failure.object.add("log_start", range->log_start.raw());
                            failure.object.add("log_end", range->high_watermark.raw());
                          }
                          respond(answer(std::move(failure)));
                        });
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

/// One query over one partition after the other.
class Querying : public std::enable_shared_from_this<Querying> {
 public:
  Querying(Calls calls, QueryCommand command, std::int32_t first, std::int32_t last, Micros timeout,
           Cluster::Respond respond)
      : calls_(std::move(calls)),
        command_(std::move(command)),
        next_(first),
        last_(last),
        timeout_(timeout),
        rows_left_(command_.rows_max),
        respond_(std::move(respond)) {}

  void go_on() {
    if (next_ > last_) return finish();
    if (rows_left_ == 0) {
      truncated_ = true;  // There may be more.
      return finish();
    }
    const PartitionIndex partition(next_++);
    calls_.query({command_.topic, partition}, command_.sql, rows_left_, timeout_,
                 [self = shared_from_this()](Result<QueryReply> reply) {
                   if (!reply) {
                     return self->respond_(failed(reply.error(), self->command_.topic));
                   }
                   self->take(*reply);
                   self->go_on();
                 });
  }

 private:
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
  void finish() {
    JsonObject object = success();
    object.add_json("columns", columns_.empty() ? "[]" : columns_);
    object.add_json("rows", rows_.take());
    object.add("truncated", truncated_);
    respond_(answer(std::move(object)));
  }

  Calls calls_;
  const QueryCommand command_;
  std::int32_t next_;
  const std::int32_t last_;
  const Micros timeout_;
  std::uint32_t rows_left_;
  std::string columns_;
  JsonArray rows_;
  bool truncated_ = false;
  const Cluster::Respond respond_;
};

}  // namespace

void Cluster::on(QueryCommand& command, Respond respond) {
  with_topic(command.topic, respond, [this, command, respond](const Topic& topic) {
    const auto count = static_cast<std::int32_t>(topic->partitions.size());
    if (command.partition && command.partition->raw() >= count) {
      return respond(no_such_partition(topic->name, command.partition->raw(),
                                       static_cast<std::size_t>(count)));
    }
    const std::int32_t first = command.partition ? command.partition->raw() : 0;
    const std::int32_t last = command.partition ? first : count - 1;
    const Micros timeout = options_.answer_within + limits::query_time_max;
    std::make_shared<Querying>(calls_, command, first, last, timeout, respond)->go_on();
  });
}

}  // namespace pinion::gateway
