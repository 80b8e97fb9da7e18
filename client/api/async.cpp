#include "client/api/async.hpp"

#include "client/api/client_inside.hpp"
#include "client/driver/clock.hpp"
#include "common/base/limits.hpp"
#include "common/proto/validate.hpp"

#include <algorithm>
#include <utility>

namespace pinion {
namespace {

using client::ClientDriver;

/// Posts a request, and turns its answer's body into what the caller wants.
template <typename Reply, typename Value, typename Convert>
Result<void> ask(ClientDriver& driver, ClientDriver::Ask what, Micros timeout,
                 AsyncCalls::Callback<Value> done, Convert convert) {
  return driver.call_async(
      std::move(what), timeout,
      [done = std::move(done), convert = std::move(convert)](client::CallDone&& answer) {
        if (!answer.reply) return done(failure(std::move(answer.reply.error())));
        auto* body = std::get_if<Reply>(&answer.reply->body);
        if (body == nullptr) {
          return done(failure(Errc::malformed, "the answer is of another kind"));
        }
        done(convert(std::move(*body), answer));
      });
}

Result<FetchedRecords> unpack(const FetchRequest& request,
                              const std::shared_ptr<const std::string>& topic, FetchReply&& reply,
                              Message& message) {
  if (reply.batches.size() != message.records.size()) {
    return failure(Errc::malformed, "the answer does not hold the batches that it lists");
  }
  FetchedRecords out;
  out.next = request.offset;
  out.last_epoch = request.last_epoch;
  out.high_watermark = reply.high_watermark;
  out.log_start = reply.log_start;
  for (std::size_t i = 0; i < reply.batches.size(); ++i) {
    const BatchHeader& header = reply.batches[i];
    Bytes& payload = message.records[i];
    PINION_CHECK(check_batch(header, payload.view(), limits::record_bytes_ceiling));
    const std::int64_t skip = std::max<std::int64_t>(0, out.next - header.base_offset);
    if (skip >= std::int64_t{header.record_count}) continue;
    std::size_t skip_bytes = 0;
    BatchReader reader(payload.view());
    RecordView record;
    for (std::int64_t k = 0; k < skip && reader.next(record); ++k)
      skip_bytes += encoded_size(record);
    out.records.add({.topic = topic,
                     .partition = request.partition.partition,
                     .first = header.base_offset + skip,
                     .first_log_time = header.append_time + Micros(skip),
                     .count = header.record_count - static_cast<std::uint32_t>(skip),
                     .records = payload.slice(skip_bytes, payload.size() - skip_bytes)});
    out.next = header.next_offset();
    out.last_epoch = header.leader_epoch;
  }
  return out;
}

}  // namespace

struct AsyncCalls::Inside {
  std::shared_ptr<ClientDriver> driver;
};

AsyncCalls Client::async() {
  auto inside = std::make_shared<AsyncCalls::Inside>();
  inside->driver = inside_->driver;
  return AsyncCalls(std::move(inside));
}

Result<void> AsyncCalls::create_topic(std::string_view name, const TopicConfig& config,
                                      Micros timeout, Callback<TopicMetadata> done) {
  PINION_CHECK(validate_topic_name(name));
  // topic_exists may be the answer to a repetition whose first attempt made it; the answer then
  // comes without the topic, so it is looked up.
  const Micros deadline = client::monotonic_now() + timeout;
  const std::string text(name);
  return inside_->driver->call_async(
      {{}, {}, CreateTopic{text, config}}, timeout,
      [inside = inside_, text, config, deadline,
       done = std::move(done)](client::CallDone&& answer) mutable {
        if (answer.reply) {
          auto* body = std::get_if<CreateTopicReply>(&answer.reply->body);
          if (body != nullptr) return done(std::move(body->topic));
          return done(failure(Errc::malformed, "the answer is of another kind"));
        }
        const Error error = answer.reply.error();
        if (error.code != Errc::topic_exists || !answer.repeated) return done(failure(error));
        const Micros left = std::max(Micros(1ms), deadline - client::monotonic_now());
        const auto asked = ask<MetadataReply, TopicMetadata>(
            *inside->driver, {{}, {}, MetadataRequest{{text}}}, left, done,
            [config, error](MetadataReply&& reply, client::CallDone&) -> Result<TopicMetadata> {
              if (!reply.topics.empty() && reply.topics.front().config == config) {
                return std::move(reply.topics.front());
              }
              return failure(error);
            });
        if (!asked) done(failure(error));
      });
}

Result<void> AsyncCalls::delete_topic(std::string_view name, Micros timeout, Callback<void> done) {
  PINION_CHECK(validate_topic_name(name));
  return inside_->driver->call_async(
      {{}, {}, DeleteTopic{std::string(name)}}, timeout,
      [done = std::move(done)](client::CallDone&& answer) {
        if (answer.reply) return done({});
        if (answer.repeated && answer.reply.error().code == Errc::unknown_topic) return done({});
        done(failure(std::move(answer.reply.error())));
      });
}

Result<void> AsyncCalls::list_topics(Micros timeout, Callback<std::vector<TopicMetadata>> done) {
  return ask<MetadataReply, std::vector<TopicMetadata>>(
      *inside_->driver, {{}, {}, MetadataRequest{}}, timeout, std::move(done),
      [](MetadataReply&& reply, client::CallDone&) { return std::move(reply.topics); });
}

Result<void> AsyncCalls::cluster_status(Micros timeout, Admin::Partitions with,
                                        Callback<ClusterStatusReply> done) {
  return ask<ClusterStatusReply, ClusterStatusReply>(
      *inside_->driver, {{}, {}, ClusterStatusRequest{with == Admin::Partitions::yes}}, timeout,
      std::move(done),
      [](ClusterStatusReply&& reply, client::CallDone&) { return std::move(reply); });
}

Result<void> AsyncCalls::list_offset(const TopicPartition& partition, Place place, Micros timeout,
                                     Callback<Offset> done) {
  PINION_CHECK(validate_topic_name(partition.topic));
  ListOffset request;
  if (place.kind == Place::Kind::offset) {
    return failure(Errc::invalid_argument, "an offset needs no looking up");
  }
  if (place.kind == Place::Kind::latest) request.spec = OffsetSpec::latest;
  if (place.kind == Place::Kind::timestamp) {
    request.spec = OffsetSpec::timestamp;
    request.timestamp = place.timestamp;
  }
  return ask<ListOffsetReply, Offset>(
      *inside_->driver, {partition.topic, partition.partition, request}, timeout, std::move(done),
      [](ListOffsetReply&& reply, client::CallDone&) { return reply.offset; });
}

Result<void> AsyncCalls::fetch_position(const TopicPartition& partition, std::string_view reader,
                                        Micros timeout, Callback<ReaderPosition> done) {
  PINION_CHECK(validate_topic_name(partition.topic));
  FetchPosition request{client::reader_of(reader)};
  PINION_CHECK(validate_reader(request.reader));
  return ask<FetchPositionReply, ReaderPosition>(
      *inside_->driver, {partition.topic, partition.partition, std::move(request)}, timeout,
      std::move(done), [](FetchPositionReply&& reply, client::CallDone&) {
        return ReaderPosition{reply.offset, reply.leader_epoch, reply.high_watermark,
                              reply.log_start};
      });
}

Result<void> AsyncCalls::commit_position(const TopicPartition& partition, std::string_view reader,
                                         Offset next, Epoch last_epoch, Micros timeout,
                                         Callback<void> done) {
  PINION_CHECK(validate_topic_name(partition.topic));
  CommitPosition request{client::reader_of(reader), next, last_epoch};
  PINION_CHECK(validate_reader(request.reader));
  return ask<CommitPositionReply, void>(
      *inside_->driver, {partition.topic, partition.partition, std::move(request)}, timeout,
      std::move(done), [](CommitPositionReply&&, client::CallDone&) { return Result<void>(); });
}

Result<void> AsyncCalls::fetch(const FetchRequest& request, Micros timeout,
                               Callback<FetchedRecords> done) {
  PINION_CHECK(validate_topic_name(request.partition.topic));
  if (request.offset < Offset{0} || request.wait < Micros{0}) {
    return failure(Errc::invalid_argument, "an offset or a duration is negative");
  }
  Fetch body;
  body.offset = request.offset;
  body.last_epoch = request.last_epoch;
  body.bytes_max = static_cast<std::uint32_t>(
      std::clamp<std::size_t>(request.bytes_max, 1, limits::fetch_bytes_max));
  const Micros wait = std::min(request.wait, limits::fetch_wait_max);
  body.wait_ms = static_cast<std::uint32_t>(wait / 1ms);
  auto topic = std::make_shared<const std::string>(request.partition.topic);
  return ask<FetchReply, FetchedRecords>(
      *inside_->driver, {request.partition.topic, request.partition.partition, body},
      wait + timeout, std::move(done),
      [request, topic](FetchReply&& reply, client::CallDone& answer) {
        return unpack(request, topic, std::move(reply), *answer.reply);
      });
}

Result<void> AsyncCalls::query(const TopicPartition& partition, std::string_view sql,
                               std::uint32_t rows_max, Micros timeout, Callback<QueryReply> done) {
  PINION_CHECK(validate_topic_name(partition.topic));
  if (sql.empty() || sql.size() > limits::sql_bytes_max) {
    return failure(Errc::sql_invalid, "the statement is empty or too long");
  }
  return ask<QueryReply, QueryReply>(
      *inside_->driver, {partition.topic, partition.partition, Query{std::string(sql), rows_max}},
      timeout, std::move(done),
      [](QueryReply&& reply, client::CallDone&) { return std::move(reply); });
}

}  // namespace pinion
