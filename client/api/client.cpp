#include "client/api/client.hpp"

#include <cerrno>
#include <unistd.h>

#include "client/api/client_inside.hpp"
#include "client/driver/clock.hpp"
#include "common/base/endpoint.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/proto/validate.hpp"
#include "common/zmq/zmq_transport.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

namespace pinion {
namespace {

std::uint64_t random_number() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

/// "c" and fifteen random bytes: another client with the same would take over its messages.
std::string make_routing_id() {
  std::string id = "c";
  while (id.size() < 16) id.push_back(static_cast<char>(random_number() & 0xff));
  return id;
}

/// "program@host", for the broker's log.
std::string program_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) return program_invocation_short_name;
  return std::string(program_invocation_short_name) + "@" + host.data();
}

}  // namespace

namespace client {

std::string reader_of(std::string_view name) {
  for (const std::string_view prefix : {"consumer:", "group:", "id:"}) {
    if (name.substr(0, prefix.size()) == prefix) return std::string(name);
  }
  return "consumer:" + std::string(name);
}

Result<std::shared_ptr<const TopicMetadata>> find_topic(ClientDriver& driver,
                                                        const std::string& name, Micros timeout) {
  PINION_CHECK(validate_topic_name(name));
  PINION_TRY(entry, driver.watch(name));
  if (driver.on_io_thread() && entry->version.load() == 0) {
    return failure(Errc::invalid_argument,
                   "a topic that is not known yet must not be looked up inside a callback");
  }
  if (!driver.topics().wait_until_known(*entry, timeout)) {
    const ConnectionStatus status = driver.status();
    if (!status.connected) return failure(Errc::connection_lost, status.problem);
    return failure(Errc::timed_out, "the broker did not tell of topic '" + name + "' in time");
  }
  auto topic = driver.topics().get(*entry);
  if (!topic) return failure(Errc::unknown_topic, "topic '" + name + "' does not exist");
  return topic;
}

}  // namespace client

Client::Client(std::shared_ptr<Inside> inside) noexcept : inside_(std::move(inside)) {}
Client::~Client() { close(); }

Result<std::unique_ptr<Client>> Client::connect(ClientOptions options) {
  if (const std::string problem = endpoint_problem(options.broker, EndpointUse::connect);
      !problem.empty()) {
    return failure(Errc::invalid_argument,
                   "'" + printable(options.broker, limits::address_bytes_max) + "' " + problem);
  }
  client::SessionOptions session;
  session.broker = options.broker;
  session.client_name = options.name.empty() ? program_name() : options.name;
  session.cluster_id = options.cluster_id;
  session.incarnation = Incarnation(static_cast<std::int64_t>(random_number() >> 1) | 1);
  session.seed = random_number();
  if (session.client_name.size() > limits::client_name_bytes_max ||
      session.cluster_id.size() > limits::client_name_bytes_max) {
    return failure(Errc::invalid_argument, "the client's or cluster's name is too long");
  }
  const auto open = [endpoint = options.broker,
                     id = make_routing_id()]() -> Result<std::unique_ptr<Transport>> {
    PINION_TRY(context, ZmqContext::create(1));
    ZmqLinkConfig link;
    link.role = ZmqRole::dealer_connect;
    link.endpoint = endpoint;
    link.routing_id = id;
    PINION_TRY(transport, ZmqTransport::open(std::move(context), {std::move(link)}));
    return std::unique_ptr<Transport>(std::move(transport));
  };
  PINION_TRY(driver, client::ClientDriver::start(std::move(session), open));
  auto inside = std::make_shared<Inside>();
  inside->driver = std::move(driver);
  const auto connected = inside->driver->wait_until_connected(options.connect_timeout);
  const bool away = !connected && connected.error().code == Errc::connection_lost;
  if (!connected && !(away && options.if_away == BrokerAway::go_on)) {
    return failure(connected.error());
  }
  return std::unique_ptr<Client>(new Client(std::move(inside)));
}

Admin Client::admin() {
  auto inside = std::make_shared<Admin::Inside>();
  inside->driver = inside_->driver;
  return Admin(std::move(inside));
}

Calls Client::calls() {
  auto inside = std::make_shared<Calls::Inside>();
  inside->driver = inside_->driver;
  return Calls(std::move(inside));
}

ConnectionStatus Client::status() const { return inside_->driver->status(); }

void Client::close() { inside_->driver->stop(); }

}  // namespace pinion
