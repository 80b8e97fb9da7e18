#include "gateway/core/answers.hpp"

#include "common/base/text.hpp"

#include <string>
#include <utility>

namespace pinion::gateway {
namespace {

/// What comes back may be asked for again after this; a lost broker is often back sooner.
constexpr std::uint16_t retry_after_s = 1;
constexpr std::size_t echoed_bytes_max = 256;

std::string quoted(std::string_view text) { return "'" + printable(text, echoed_bytes_max) + "'"; }

JsonObject failure_object(std::string_view message, std::string_view code) {
  JsonObject object;
  object.add("status", "failure");
  object.add("message", printable(message, limits::error_detail_bytes_max));
  if (!code.empty()) object.add("code", code);
  return object;
}

/// The caller's doing, or the cluster's state.
std::uint16_t status_of(Errc code) {
  if (code == Errc::record_too_large) return 413;
  if (code == Errc::nothing_unread) return 400;
  if (is_retriable(code)) return 503;
  switch (code) {
    case Errc::malformed:  // Between our own processes: not what the caller sent.
    case Errc::unsupported_version:
    case Errc::unknown_kind:
    case Errc::unauthorized:
    case Errc::wrong_cluster:
    case Errc::file_corrupt:
    case Errc::io_failed:
    case Errc::closed:
    case Errc::cancelled:
      return 503;
    default:
      return 400;
  }
}

std::string message_of(const Error& error, std::string_view topic) {
  switch (error.code) {
    case Errc::unknown_topic:
      return "Topic " + quoted(topic) + " does not exist";
    case Errc::topic_exists:
      return "Topic " + quoted(topic) + " already exists";
    case Errc::nothing_unread:
      return "No unread message in topic " + quoted(topic);
    default:
      return error.detail.empty() ? std::string(error.to_string()) : error.detail;
  }
}

}  // namespace

JsonObject success() {
  JsonObject object;
  object.add("status", "success");
  return object;
}

HttpAnswer answer(JsonObject&& object) {
  HttpAnswer answer;
  answer.body = object.take();
  return answer;
}

HttpAnswer answer(Failure&& failure) {
  HttpAnswer answer;
  answer.status = failure.status;
  answer.body = failure.object.take();
  if (failure.status == 503) answer.retry_after = retry_after_s;
  return answer;
}

HttpAnswer refused(std::string_view message, std::string_view code, std::uint16_t status) {
  return answer(Failure{status, failure_object(message, code)});
}

Failure failure_of(const Error& error, std::string_view topic) {
  return failure_of(error, topic, fate_of(error.code));
}

Failure failure_of(const Error& error, std::string_view topic, Fate fate) {
  Failure failure{status_of(error.code),
                  failure_object(message_of(error, topic), name_of(error.code))};
  if (failure.status == 503) {
    const bool happened_not = fate == Fate::did_not_happen;
    failure.object.add("fate", happened_not ? "did_not_happen" : "unknown");
  }
  return failure;
}

HttpAnswer failed(const Error& error, std::string_view topic) {
  return answer(failure_of(error, topic));
}

HttpAnswer failed(const Error& error, std::string_view topic, Fate fate) {
  return answer(failure_of(error, topic, fate));
}

HttpAnswer unhealthy(const Error& why) {
  Failure failure = failure_of(why, {});
  failure.object.add("healthy", false);
  return answer(std::move(failure));
}

HttpAnswer no_such_topic(std::string_view topic) {
  return failed({Errc::unknown_topic, {}}, topic);
}

HttpAnswer no_such_partition(std::string_view topic, std::int64_t partition,
                             std::size_t partitions) {
  return refused("Partition " + std::to_string(partition) + " of topic " + quoted(topic) +
                     " does not exist; it has the partitions 0 to " +
                     std::to_string(partitions == 0 ? 0 : partitions - 1),
                 name_of(Errc::unknown_partition));
}

HttpAnswer invalid_producer() {
  return refused("Invalid producer_id", name_of(Errc::unknown_reader));
}
HttpAnswer invalid_consumer() {
  return refused("Invalid consumer_id", name_of(Errc::unknown_reader));
}

HttpAnswer missing(std::string_view name) {
  return refused("Missing " + std::string(name) + ": send it as JSON, as a form or in the query",
                 name_of(Errc::invalid_argument));
}

HttpAnswer unknown_path(std::string_view target) {
  return refused("There is no " + quoted(target.substr(0, target.find('?'))) +
                     " here; /openapi.json lists what there is",
                 {}, 404);
}

HttpAnswer wrong_method(std::string_view method, std::string_view allow) {
  HttpAnswer answer = refused(
      "Method " + quoted(method) + " is not for this path; use " + std::string(allow), {}, 405);
  answer.allow = allow;
  return answer;
}

void add_message(JsonObject& object, std::string_view value) {
  if (is_utf8(value)) {
    object.add("message", value).add("log_message", value);
    return;
  }
  const std::string text = printable(value, value.size());
  object.add("message", text).add("log_message", text);
  object.add("message_base64", base64_encode(value));
}

}  // namespace pinion::gateway
