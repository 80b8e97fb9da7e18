// Producers and consumers registered by number, and the ids of sending sessions.
#include <utility>

#include "broker/core/controller.hpp"
#include "common/base/assert.hpp"
#include "common/proto/codec.hpp"

namespace pinion {

// ---- By number
// -------------------------------------------------------------------------------------

void Controller::on_register(const Now& now, const ClientRequest& request, RegistrationKind kind,
                             ControllerEffects& out) {
  const Waiter waiter = waiter_of(now, request);
  std::string name;
  std::string topic_name;
  bool create = false;
  if (kind == RegistrationKind::producer) {
    const auto& body = std::get<RegisterProducer>(request.body);
    topic_name = body.topic;
    name = body.name;
    create = body.create_topic;
  } else {
    const auto& body = std::get<RegisterConsumer>(request.body);
    topic_name = body.topic;
    name = body.name;
  }
  const Topic* topic = topics_.find(std::string_view(topic_name));
  if (topic != nullptr && !topic->deleting) {
    return register_reader(now, waiter, kind, topic->meta.id, name, out);
  }
  if (!create) {
    return refuse(waiter, Errc::unknown_topic, "topic '" + topic_name + "' does not exist", out);
  }
  if (waiters_ >= limits::controller_waiters_max) {
    return refuse(waiter, Errc::throttled, "too many wait for topics to be made", out);
  }
  auto racing = creating_names_.find(topic_name);
  if (racing == creating_names_.end()) {
    TopicConfig config;
    config.replication = 0;  // As many as is usual here.
    const Result<TopicId> made = create_topic(now, topic_name, config, out);
    if (!made) return refuse(waiter, made.error().code, made.error().detail, out);
    racing = creating_names_.find(topic_name);
  }
  creating_.at(racing->second).producers.emplace_back(waiter, std::move(name));
  ++waiters_;
}

/// Requires: the topic is durable.
void Controller::register_reader(const Now& now, const Waiter& waiter, RegistrationKind kind,
                                 TopicId topic, const std::string& name, ControllerEffects& out) {
  if (topics_.find(topic)->deleting) {
    return refuse(waiter, Errc::unknown_topic, "the topic is being deleted", out);
  }
  if (!name.empty()) {
    if (const auto known = registrations_.find(kind, topic, name)) {
      return reply_registered(waiter, kind, *known, topic, out);
    }
    const auto pending = registering_names_.find({{kind, topic}, name});
    if (pending != registering_names_.end()) {
      if (waiters_ >= limits::controller_waiters_max) {
        return refuse(waiter, Errc::throttled, "too many wait to be registered", out);
      }
      pending->second.push_back(waiter);
      ++waiters_;
      return;
    }
  }
  if (auto allowed = may_decide(); !allowed) {
    return refuse(waiter, allowed.error().code, allowed.error().detail, out);
  }
  if (registrations_.count() + registrations_pending_ >= limits::registrations_max) {
    return refuse(waiter, Errc::limit_reached,
                  "a cluster registers at most " + std::to_string(limits::registrations_max) +
                      " producers and consumers",
                  out);
  }
  RegistrationId& counter =
      kind == RegistrationKind::producer ? counters_.producer : counters_.consumer;
  Registration registration{
      .kind = kind, .id = counter, .topic = topic, .name = name, .registered_at = now.wall};
  ++counter;
  ++registrations_pending_;
  if (name.empty()) {
    registering_numbers_.emplace(std::pair(kind, registration.id), waiter);
  } else {
    registering_names_[{{kind, topic}, name}].push_back(waiter);
  }
  std::vector<MetaOp> ops;
  ops.emplace_back(PutRegistration{registration});
  ops.emplace_back(SetCounters{counters_});
  decide(std::move(ops), Registered{std::move(registration)}, out);
}

void Controller::then(const Now&, const Registered& registered, ControllerEffects& out) {
  const Registration& r = registered.registration;
  PINION_ASSERT(registrations_pending_ > 0);
  --registrations_pending_;
  std::vector<Waiter> waiters;
  if (r.name.empty()) {
    const auto row = registering_numbers_.find({r.kind, r.id});
    PINION_ASSERT(row != registering_numbers_.end());
    waiters.push_back(std::move(row->second));
    registering_numbers_.erase(row);
  } else {
    const auto row = registering_names_.find({{r.kind, r.topic}, r.name});
    PINION_ASSERT(row != registering_names_.end());
    waiters = std::move(row->second);
    registering_names_.erase(row);
    waiters_ -= waiters.size() - 1;  // The first is counted as a decision.
  }
  for (const Waiter& waiter : waiters) reply_registered(waiter, r.kind, r.id, r.topic, out);
}

void Controller::reply_registered(const Waiter& waiter, RegistrationKind kind, RegistrationId id,
                                  TopicId topic, ControllerEffects& out) {
  const Topic* found = topics_.find(topic);
  if (found == nullptr) {
    return refuse(waiter, Errc::unknown_topic, "the topic was deleted meanwhile", out);
  }
  if (kind == RegistrationKind::producer) {
    reply(waiter, RegisterProducerReply{id, metadata_of(*found)}, out);
  } else {
    reply(waiter, RegisterConsumerReply{id, metadata_of(*found)}, out);
  }
}

void Controller::on_find_registration(const Now& now, const ClientRequest& request,
                                      ControllerEffects& out) {
  const Waiter waiter = waiter_of(now, request);
  const auto& body = std::get<FindRegistration>(request.body);
  const auto kind =
      body.of == ClientKind::producer ? RegistrationKind::producer : RegistrationKind::consumer;
  const RegistrationTable::Found* found = registrations_.find(kind, body.id);
  const Topic* topic = found != nullptr ? topics_.find(found->topic) : nullptr;
  if (topic == nullptr || topic->deleting) {
    return refuse(waiter, Errc::unknown_reader,
                  "nobody is registered as number " + std::to_string(body.id.raw()), out);
  }
  const std::string name = found->name != nullptr ? *found->name : std::string();
  reply(waiter, FindRegistrationReply{topic->meta.id, topic->meta.name, name}, out);
}

// ---- Producer ids
// ----------------------------------------------------------------------------------

void Controller::on_allocate(const Now& now, const ClientRequest& request, ControllerEffects& out) {
  const Waiter waiter = waiter_of(now, request);
  const std::uint32_t count = std::get<AllocateProducerIds>(request.body).count;
  if (allocating_.size() >= limits::meta_writes_pending_max) {
    return refuse(waiter, Errc::throttled, "too many wait for producer ids", out);
  }
  allocating_.emplace_back(waiter, count);
  serve_allocations(out);
}

/// Hands out of what is set aside, in order, and sets more aside when that is not enough.
void Controller::serve_allocations(ControllerEffects& out) {
  while (!allocating_.empty()) {
    const auto& [waiter, count] = allocating_.front();
    if (ids_next_ + count > ids_reserved_) break;
    reply(waiter, AllocateProducerIdsReply{ids_next_, count}, out);
    ids_next_ += count;
    allocating_.pop_front();
  }
  if (allocating_.empty() || ids_pending_) return;
  if (auto allowed = may_decide(); !allowed) {
    for (const auto& [waiter, count] : allocating_) {
      refuse(waiter, allowed.error().code, allowed.error().detail, out);
    }
    allocating_.clear();
    return;
  }
  std::int64_t wanted = limits::producer_ids_reserved;
  for (const auto& [waiter, count] : allocating_) wanted += count;
  counters_.producer_id = ids_reserved_ + wanted;
  ids_pending_ = true;
  std::vector<MetaOp> ops;
  ops.emplace_back(SetCounters{counters_});
  decide(std::move(ops), IdsReserved{counters_.producer_id}, out);
}

void Controller::then(const Now&, const IdsReserved& reserved, ControllerEffects& out) {
  PINION_ASSERT(reserved.end > ids_reserved_);
  ids_reserved_ = reserved.end;
  ids_pending_ = false;
  serve_allocations(out);
}

}  // namespace pinion
