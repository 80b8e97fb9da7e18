#include "gateway/core/routes.hpp"

#include "gateway/core/parameters.hpp"

#include <array>

namespace pinion::gateway {
namespace {

struct Row {
  std::string_view path;  ///< "{t}" and "{p}" stand for any part.
  std::string_view method;
  Call call;
  std::string_view allow;
};

/// Of rows that fit a path, the first with the method counts; so fixed parts stand before {t}.
constexpr std::array table = {
    Row{"/topics", "POST", Call::create_topic, "GET, HEAD, POST"},
    Row{"/topics", "GET", Call::list_topics, "GET, HEAD, POST"},
    Row{"/topics/partitions", "GET", Call::list_partitions, "GET, HEAD"},
    Row{"/partitions", "GET", Call::list_partitions, "GET, HEAD"},
    Row{"/consumer/register", "POST", Call::register_consumer, "POST"},
    Row{"/producer/register", "POST", Call::register_producer, "POST"},
    Row{"/producer/produce", "POST", Call::enqueue, "POST"},
    Row{"/consumer/consume", "GET", Call::dequeue, "GET"},
    Row{"/size", "GET", Call::size, "GET, HEAD"},
    Row{"/", "GET", Call::root, "GET, HEAD"},
    Row{"/status", "GET", Call::root, "GET, HEAD"},
    Row{"/ping", "GET", Call::ping, "GET, HEAD"},
    Row{"/health", "GET", Call::health, "GET, HEAD"},
    Row{"/metrics", "GET", Call::metrics, "GET, HEAD"},
    Row{"/openapi.json", "GET", Call::openapi, "GET, HEAD"},
    Row{"/cluster", "GET", Call::cluster, "GET, HEAD"},
    Row{"/topics/{t}/records", "POST", Call::send_records, "POST"},
    Row{"/topics/{t}/partitions/{p}/records", "GET", Call::read_records, "GET, HEAD"},
    Row{"/topics/{t}/positions", "GET", Call::list_positions, "GET, HEAD"},
    Row{"/topics/{t}/partitions/{p}/position", "POST", Call::move_position, "POST"},
    Row{"/topics/{t}/events", "GET", Call::follow, "GET"},
    Row{"/topics/{t}/query", "POST", Call::query, "POST"},
    Row{"/topics/{t}/partitions", "GET", Call::list_partitions, "GET, HEAD"},
    Row{"/topics/{t}", "GET", Call::describe_topic, "DELETE, GET, HEAD"},
    Row{"/topics/{t}", "DELETE", Call::delete_topic, "DELETE, GET, HEAD"},
};

/// The part behind the slash that `rest` begins with; `rest` goes on behind it.
std::string_view take_part(std::string_view& rest) {
  rest.remove_prefix(1);
  const std::string_view part = rest.substr(0, rest.find('/'));
  rest.remove_prefix(part.size());
  return part;
}

bool fits(std::string_view pattern, std::string_view path, Route& route) {
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = take_part(pattern);
    const std::string_view given = take_part(path);
    if (wanted == "{t}") {
      route.topic = decode_percent(given);
    } else if (wanted == "{p}") {
      route.partition = decode_percent(given);
    } else if (wanted != given) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

}  // namespace

Route find_route(std::string_view method, std::string_view target) {
  std::string_view path = target.substr(0, target.find_first_of("?#"));
  // A proxy may send the whole address.
  if (path.starts_with("http://") || path.starts_with("https://")) {
    const std::size_t begin = path.find('/', path.find("://") + 3);
    path = begin == std::string_view::npos ? "/" : path.substr(begin);
  }
  if (path.empty() || path.front() != '/') return {};
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  Route wrong;
  for (const Row& row : table) {
    Route route;
    if (!fits(row.path, path, route)) continue;
    const bool head =
        method == "HEAD" && row.method == "GET" && row.allow.find("HEAD") != std::string_view::npos;
    if (row.method == method || head) {
      route.call = row.call;
      return route;
    }
    if (wrong.call == Call::unknown_path) wrong = {Call::wrong_method, row.allow, {}, {}};
  }
  return wrong;
}

std::string_view name_of(Call call) noexcept {
  switch (call) {
    case Call::malformed:
      return "malformed";
    case Call::unknown_path:
      return "unknown_path";
    case Call::wrong_method:
      return "wrong_method";
    case Call::create_topic:
      return "create_topic";
    case Call::list_topics:
      return "list_topics";
    case Call::list_partitions:
      return "list_partitions";
    case Call::register_producer:
      return "register_producer";
    case Call::register_consumer:
      return "register_consumer";
    case Call::enqueue:
      return "enqueue";
    case Call::dequeue:
      return "dequeue";
    case Call::size:
      return "size";
    case Call::root:
      return "root";
    case Call::ping:
      return "ping";
    case Call::health:
      return "health";
    case Call::metrics:
      return "metrics";
    case Call::openapi:
      return "openapi";
    case Call::send_records:
      return "send_records";
    case Call::read_records:
      return "read_records";
    case Call::list_positions:
      return "list_positions";
    case Call::move_position:
      return "move_position";
    case Call::follow:
      return "follow";
    case Call::query:
      return "query";
    case Call::describe_topic:
      return "describe_topic";
    case Call::delete_topic:
      return "delete_topic";
    case Call::cluster:
      return "cluster";
  }
  return "unknown_path";
}

}  // namespace pinion::gateway
