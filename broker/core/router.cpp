#include "broker/core/router.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/assert.hpp"

namespace pinion {

namespace {

void add(InFlight& to, const InFlight& count) noexcept {
  to.requests += count.requests;
  to.bytes += count.bytes;
}

void subtract(InFlight& from, const InFlight& count) noexcept {
  PINION_ASSERT(from.requests >= count.requests);
  PINION_ASSERT(from.bytes >= count.bytes);
  from.requests -= count.requests;
  from.bytes -= count.bytes;
}

/// The routing id as a slice of the return frame that holds it: no copy.
[[nodiscard]] Bytes client_of(const Bytes& return_frame, const ReturnFrame& decoded) {
  return return_frame.slice(return_frame.size() - decoded.client.size(), decoded.client.size());
}

}  // namespace

InFlight Router::Pair::total() const noexcept {
  InFlight sum = generations[0];
  add(sum, generations[1]);
  return sum;
}

Router::Router(RouterLimits limits, ControllerEpoch term, const Now& now, std::uint64_t seed)
    : limits_(limits),
      last_(clients_.end()),
      lives_(static_cast<std::uint64_t>(term.raw()) << 32U),
      rotate_at_(now.monotonic + limits.generation),
      marks_(seed) {}

// ---- Clients
// ---------------------------------------------------------------------------------------

Router::Clients::iterator Router::find_client(std::string_view id) {
  if (last_ != clients_.end() && last_->first == id) return last_;
  return clients_.find(id);
}

std::optional<std::string> Router::add_client(const Now& now, std::string_view id) {
  if (touch_client(now, id)) return std::nullopt;
  std::optional<std::string> evicted;
  if (clients_.size() >= limits_.clients) {
    evicted = *silent_.front();
    forget(clients_.find(*evicted));
    ++counters_.clients_evicted;
  }
  const auto client = clients_.emplace(std::string(id), Client{}).first;
  client->second.life = ++lives_;
  client->second.last_seen = now.monotonic;
  client->second.silent = silent_.insert(silent_.end(), &client->first);
  last_ = client;
  return evicted;
}

bool Router::touch_client(const Now& now, std::string_view id) {
  const auto client = find_client(id);
  if (client == clients_.end()) return false;
  last_ = client;
  client->second.last_seen = now.monotonic;
  silent_.splice(silent_.end(), silent_, client->second.silent);
  return true;
}

void Router::remove_client(std::string_view id) {
  const auto client = find_client(id);
  if (client != clients_.end()) forget(client);
}

void Router::remove_all_clients() {
  while (!clients_.empty()) forget(clients_.begin());
}

void Router::for_each_client(const std::function<void(const std::string& id)>& visit) const {
  for (const std::string* id : silent_) visit(*id);
}

void Router::forget(Clients::iterator client) {
  PINION_ASSERT(client != clients_.end());
  for (const Pair& pair : client->second.pairs) {
    const auto node = nodes_.find(pair.node);
    PINION_ASSERT(node != nodes_.end());
    subtract(node->second.total, pair.total());
  }
  silent_.erase(client->second.silent);
  clients_.erase(client);
  last_ = clients_.end();
}

// ---- What clients have not read
// --------------------------------------------------------------------

void Router::on_mark(std::string_view id, std::uint64_t mark) {
  find_client(id)->second.unread.on_mark(mark);
}

std::uint64_t Router::mark(std::string_view id) {
  return find_client(id)->second.unread.mark(marks_);
}

Result<void> Router::check_unread(std::string_view id) {
  Result<void> room = check_unread(find_client(id)->second);
  if (!room) ++counters_.throttled;
  return room;
}

Result<void> Router::check_unread(const Client& client) const {
  if (client.unread.may_ask(limits_.unread)) return {};
  return failure(Errc::throttled, "this client has been sent " +
                                      std::to_string(client.unread.bytes()) +
                                      " bytes that it is not known to have read");
}

bool Router::admit(const Frames& frames) {
  const auto client = find_client(frames[0].view());
  if (client == clients_.end()) return true;
  if (client->second.unread.put(limits_.unread, size_of(frames) - frames[0].size())) return true;
  ++counters_.unread_dropped;
  return false;
}

bool Router::has_room(std::string_view id) const {
  const auto client = clients_.find(id);
  return client != clients_.end() && client->second.unread.may_ask(limits_.unread);
}

void Router::connection_lost(std::string_view id) {
  const auto client = find_client(id);
  if (client != clients_.end()) client->second.unread.settle();
}

std::uint64_t Router::unread_bytes(std::string_view client) const {
  const auto row = clients_.find(client);
  return row == clients_.end() ? 0 : row->second.unread.bytes();
}

// ---- Nodes and routes
// ------------------------------------------------------------------------------

void Router::update_node(const NodeUpdate& update) {
  if (update.routing.empty()) {
    clear_node(update.node);
    return;
  }
  Node& node = nodes_[update.node];
  if (node.life == 0) node.life = ++lives_;
  node.routing = update.routing;
}

void Router::clear_node(NodeId id) {
  const auto node = nodes_.find(id);
  if (node == nodes_.end()) return;
  for (auto& [name, client] : clients_) {
    const auto pair = std::find_if(client.pairs.begin(), client.pairs.end(),
                                   [&](const Pair& p) { return p.node == id; });
    if (pair == client.pairs.end()) continue;
    subtract(client.total, pair->total());
    client.pairs.erase(pair);
  }
  nodes_.erase(node);
}

void Router::update_route(const RouteUpdate& update) {
  PINION_ASSERT(update.key.partition.raw() >= 0);
  const auto index = static_cast<std::size_t>(update.key.partition.raw());
  std::vector<Route>& topic = routes_[update.key.topic];
  if (topic.size() <= index) topic.resize(index + 1);
  topic[index] = update.route;
}

void Router::remove_topic(TopicId topic) { routes_.erase(topic); }

std::optional<Route> Router::route(PartitionKey key) const {
  const auto topic = routes_.find(key.topic);
  if (topic == routes_.end() || key.partition.raw() < 0) return std::nullopt;
  const auto index = static_cast<std::size_t>(key.partition.raw());
  if (index >= topic->second.size()) return std::nullopt;
  return topic->second[index];
}

Epoch Router::leader_epoch(PartitionKey key) const {
  const std::optional<Route> found = route(key);
  return found ? found->leader_epoch : epoch_unknown;
}

Result<const Route*> Router::find_route(const Header& header) const {
  const auto topic = routes_.find(header.topic);
  if (topic == routes_.end()) {
    return failure(Errc::unknown_topic,
                   "there is no topic with id " + std::to_string(header.topic.raw()));
  }
  const std::int32_t index = header.partition.raw();
  if (index < 0 || static_cast<std::size_t>(index) >= topic->second.size()) {
    return failure(Errc::unknown_partition,
                   "the topic has " + std::to_string(topic->second.size()) +
                       " partitions, and none with index " + std::to_string(index));
  }
  const Route& route = topic->second[static_cast<std::size_t>(index)];
  if (route.node == node_none) return failure(Errc::partition_offline, route.detail);
  if (header.leader_epoch != epoch_unknown && header.leader_epoch < route.leader_epoch) {
    return failure(Errc::fenced_epoch,
                   "the partition's epoch is " + std::to_string(route.leader_epoch.raw()) +
                       ", the request's is " + std::to_string(header.leader_epoch.raw()));
  }
  return &route;
}

NodeId Router::choose_node(const Route& route, const Header& header) {
  if (!header.any_replica || header.kind != Kind::fetch || route.followers.empty()) {
    return route.node;
  }
  for (std::size_t tried = 0; tried < route.followers.size(); ++tried) {
    const NodeId follower = route.followers[follower_turn_++ % route.followers.size()];
    if (nodes_.count(follower) > 0) return follower;
  }
  return route.node;
}

// ---- Traffic
// ---------------------------------------------------------------------------------------

Result<void> Router::check_credit(const Client& client, const Node& node, NodeId id,
                                  std::uint64_t bytes) const {
  if (bytes > limits_.client_bytes) {
    return failure(Errc::invalid_argument, "a request of " + std::to_string(bytes) +
                                               " bytes; a client may have " +
                                               std::to_string(limits_.client_bytes) + " in flight");
  }
  if (client.total.requests >= limits_.client_requests ||
      client.total.bytes + bytes > limits_.client_bytes) {
    return failure(Errc::throttled, "this client has " + std::to_string(client.total.requests) +
                                        " requests and " + std::to_string(client.total.bytes) +
                                        " bytes in flight");
  }
  InFlight mine;
  for (const Pair& pair : client.pairs) {
    if (pair.node == id) mine = pair.total();
  }
  // A quarter more is there for those that have nothing in flight, so that nobody is shut out.
  const auto room = [&](std::uint64_t most, std::uint64_t used) {
    if (mine.requests == 0) most += most / 4;
    return most - std::min(most, used);
  };
  const std::uint64_t free_requests = room(limits_.node_requests, node.total.requests);
  const std::uint64_t free_bytes = room(limits_.node_bytes, node.total.bytes);
  if (free_requests == 0 || bytes > free_bytes || mine.requests > free_requests ||
      mine.bytes > free_bytes) {
    return failure(Errc::throttled, "node " + std::to_string(id.raw()) + " has " +
                                        std::to_string(node.total.requests) + " requests and " +
                                        std::to_string(node.total.bytes) + " bytes in flight");
  }
  return {};
}

void Router::take(Client& client, Node& node, NodeId id, std::uint64_t bytes) {
  auto pair = std::find_if(client.pairs.begin(), client.pairs.end(),
                           [&](const Pair& p) { return p.node == id; });
  if (pair == client.pairs.end()) pair = client.pairs.insert(pair, {id, {}});
  const InFlight one{.requests = 1, .bytes = bytes};
  add(pair->generations[0], one);
  add(client.total, one);
  add(node.total, one);
}

Result<NodeFrames> Router::forward(Frames& frames, std::size_t header_index, const Header& header) {
  PINION_ASSERT(header_index >= 2);
  PINION_ASSERT(header_index < frames.size());
  const auto client = find_client(frames[0].view());
  PINION_ASSERT(client != clients_.end());
  PINION_TRY(route, find_route(header));
  const NodeId chosen = choose_node(*route, header);
  const auto node = nodes_.find(chosen);
  if (node == nodes_.end()) {
    return failure(Errc::partition_offline, "the partition's node has no session");
  }
  if (auto room = check_unread(client->second); !room) {
    ++counters_.throttled;
    return failure(std::move(room).error());
  }
  const std::uint64_t bytes = size_of(frames);
  if (auto credit = check_credit(client->second, node->second, chosen, bytes); !credit) {
    ++counters_.throttled;
    return failure(std::move(credit).error());
  }
  take(client->second, node->second, chosen, bytes);

  NodeFrames out;
  out.return_frame = encode_return_frame({.client_life = client->second.life,
                                          .node_life = node->second.life,
                                          .node = chosen,
                                          .generation = static_cast<std::uint32_t>(generation_),
                                          .bytes = static_cast<std::uint32_t>(bytes),
                                          .client = frames[0].view()});
  out.header = frames[header_index];
  for (std::size_t i = 1; i + 1 < header_index; ++i) out.path.push_back(frames[i]);
  out.frames = std::move(frames);
  out.frames[0] = out.return_frame;
  out.frames.insert(out.frames.begin(), node->second.routing);
  ++counters_.messages_routed;
  counters_.bytes_routed += bytes;
  return out;
}

void Router::give_back(Client& client, const ReturnFrame& frame) {
  if (client.life != frame.client_life) return;
  const auto node = nodes_.find(frame.node);
  if (node == nodes_.end() || node->second.life != frame.node_life) return;
  const std::uint32_t age = static_cast<std::uint32_t>(generation_) - frame.generation;
  if (age > 1) return;
  const auto pair = std::find_if(client.pairs.begin(), client.pairs.end(),
                                 [&](const Pair& p) { return p.node == frame.node; });
  if (pair == client.pairs.end()) return;
  // An answer that comes twice is counted once too often, so what is given back is bounded.
  InFlight& counted = pair->generations[age];
  const InFlight one{.requests = std::min<std::uint64_t>(1, counted.requests),
                     .bytes = std::min<std::uint64_t>(frame.bytes, counted.bytes)};
  subtract(counted, one);
  subtract(client.total, one);
  subtract(node->second.total, one);
  if (pair->total() == InFlight{}) client.pairs.erase(pair);
}

std::optional<Frames> Router::answer(Frames frames) {
  PINION_ASSERT(frames.size() >= 2);
  const std::optional<ReturnFrame> decoded = decode_return_frame(frames[1].view());
  const auto client = decoded ? clients_.find(decoded->client) : clients_.end();
  if (client == clients_.end()) {
    ++counters_.answers_dropped;
    return std::nullopt;
  }
  give_back(client->second, *decoded);
  const std::uint64_t bytes = size_of(frames);
  if (!client->second.unread.put(limits_.unread, bytes)) {
    ++counters_.answers_dropped;
    return std::nullopt;
  }
  counters_.bytes_routed += bytes;
  ++counters_.messages_routed;
  frames[1] = client_of(frames[1], *decoded);
  frames.erase(frames.begin());
  return frames;
}

std::optional<Bytes> Router::not_sent(const Bytes& return_frame) {
  const std::optional<ReturnFrame> decoded = decode_return_frame(return_frame.view());
  const auto client = decoded ? clients_.find(decoded->client) : clients_.end();
  if (client == clients_.end()) return std::nullopt;
  give_back(client->second, *decoded);
  return client_of(return_frame, *decoded);
}

// ---- Time
// ------------------------------------------------------------------------------------------

void Router::tick(const Now& now) {
  while (!silent_.empty()) {
    const auto client = clients_.find(*silent_.front());
    PINION_ASSERT(client != clients_.end());
    if (now.monotonic - client->second.last_seen < limits_.client_expires_after) break;
    forget(client);
    ++counters_.clients_expired;
  }
  if (now.monotonic >= rotate_at_) rotate();
  while (now.monotonic >= rotate_at_) rotate_at_ += limits_.generation;
}

void Router::rotate() {
  ++generation_;
  for (auto& [name, client] : clients_) {
    for (Pair& pair : client.pairs) {
      const InFlight forgotten = pair.generations[1];
      subtract(client.total, forgotten);
      subtract(nodes_.at(pair.node).total, forgotten);
      pair.generations = {InFlight{}, pair.generations[0]};
    }
    std::erase_if(client.pairs, [](const Pair& pair) { return pair.total() == InFlight{}; });
  }
}

Micros Router::next_tick() const noexcept {
  if (silent_.empty()) return rotate_at_;
  const auto client = clients_.find(*silent_.front());
  return std::min(rotate_at_, client->second.last_seen + limits_.client_expires_after);
}

// ---- For checks
// ------------------------------------------------------------------------------------

InFlight Router::in_flight(std::string_view client) const {
  const auto row = clients_.find(client);
  return row == clients_.end() ? InFlight{} : row->second.total;
}

InFlight Router::in_flight(NodeId node) const {
  const auto row = nodes_.find(node);
  return row == nodes_.end() ? InFlight{} : row->second.total;
}

void Router::check_invariants() const {
  PINION_ASSERT(clients_.size() <= limits_.clients);
  PINION_ASSERT(clients_.size() == silent_.size());
  std::map<NodeId, InFlight> nodes;
  for (const auto& [name, client] : clients_) {
    InFlight sum;
    for (const Pair& pair : client.pairs) {
      PINION_ASSERT(nodes_.count(pair.node) == 1);
      PINION_ASSERT(pair.total() != InFlight{});
      add(sum, pair.total());
      add(nodes[pair.node], pair.total());
    }
    PINION_ASSERT(sum == client.total);
    PINION_ASSERT(client.unread.holds_together());
    PINION_ASSERT(**client.silent == name);
  }
  for (const auto& [id, node] : nodes_) PINION_ASSERT(nodes[id] == node.total);
}

}  // namespace pinion
