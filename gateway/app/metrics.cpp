#include "gateway/app/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <utility>

namespace pinion::gateway {
namespace {

/// Seconds: from a commit on a fast disk to a client's patience.
const prometheus::Histogram::BucketBoundaries latency_buckets = {
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};

constexpr std::size_t calls = static_cast<std::size_t>(Call::cluster) + 1;

/// What is counted elsewhere.
void raise_to(prometheus::Counter& counter, std::uint64_t count) {
  counter.Increment(std::max(0.0, static_cast<double>(count) - counter.Value()));
}

}  // namespace

struct Metrics::Inside {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter()
          .Name("pinion_gateway_requests_total")
          .Help("Requests that were answered, by call and status.")
          .Register(registry);
  prometheus::Family<prometheus::Histogram>& seconds =
      prometheus::BuildHistogram()
          .Name("pinion_gateway_request_seconds")
          .Help("From a request's last byte to its answer's.")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& dropped =
      prometheus::BuildCounter()
          .Name("pinion_gateway_dropped_total")
          .Help("Connections that were refused or ended, by reason.")
          .Register(registry);
  prometheus::Gauge& connections = prometheus::BuildGauge()
                                       .Name("pinion_gateway_connections")
                                       .Help("Open connections.")
                                       .Register(registry)
                                       .Add({});
  prometheus::Gauge& connected = prometheus::BuildGauge()
                                     .Name("pinion_gateway_broker_connected")
                                     .Help("1 when the leader broker answers.")
                                     .Register(registry)
                                     .Add({});
  prometheus::Counter& reconnects = prometheus::BuildCounter()
                                        .Name("pinion_gateway_broker_reconnects_total")
                                        .Help("How often the connection was lost.")
                                        .Register(registry)
                                        .Add({});
  prometheus::Family<prometheus::Counter>& records =
      prometheus::BuildCounter()
          .Name("pinion_gateway_records_total")
          .Help("Records sent without a sequence, by what became of them.")
          .Register(registry);
  prometheus::Gauge& buffered = prometheus::BuildGauge()
                                    .Name("pinion_gateway_buffered_bytes")
                                    .Help("Records that are not acknowledged yet.")
                                    .Register(registry)
                                    .Add({});

  // Looked up by name only once.
  std::array<prometheus::Histogram*, calls> seconds_of{};
  std::mutex mutex;
  std::map<std::pair<Call, std::uint16_t>, prometheus::Counter*> requests_of;
  std::mutex text_mutex;
};

Metrics::Metrics() : inside_(std::make_unique<Inside>()) {
  for (std::size_t i = 0; i < calls; ++i) {
    const std::string name(name_of(static_cast<Call>(i)));
    inside_->seconds_of[i] = &inside_->seconds.Add({{"call", name}}, latency_buckets);
  }
}

Metrics::~Metrics() = default;

void Metrics::count_request(Call call, std::uint16_t status, Micros took) {
  prometheus::Counter* counter = nullptr;
  {
    const std::lock_guard lock(inside_->mutex);
    prometheus::Counter*& found = inside_->requests_of[{call, status}];
    if (found == nullptr) {
      found = &inside_->requests.Add(
          {{"call", std::string(name_of(call))}, {"status", std::to_string(status)}});
    }
    counter = found;
  }
  counter->Increment();
  inside_->seconds_of[static_cast<std::size_t>(call)]->Observe(static_cast<double>(took.count()) /
                                                               1e6);
}

void Metrics::set_connections(std::size_t open) {
  inside_->connections.Set(static_cast<double>(open));
}

void Metrics::count_dropped(std::string_view why) {
  inside_->dropped.Add({{"reason", std::string(why)}}).Increment();
}

std::string Metrics::text(const ConnectionStatus& connection, const ProducerCounters& producer) {
  const std::lock_guard lock(inside_->text_mutex);  // Two who ask at once would count twice.
  inside_->connected.Set(connection.connected ? 1 : 0);
  raise_to(inside_->reconnects, connection.reconnects);
  const auto set = [this](const char* outcome, std::uint64_t count) {
    raise_to(inside_->records.Add({{"outcome", outcome}}), count);
  };
  set("acknowledged", producer.records_acknowledged);
  set("failed", producer.records_failed);
  set("unknown", producer.records_unknown);
  inside_->buffered.Set(static_cast<double>(producer.buffered_bytes));
  return prometheus::TextSerializer().Serialize(inside_->registry.Collect());
}

}  // namespace pinion::gateway
