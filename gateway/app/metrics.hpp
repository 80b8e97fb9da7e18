// Metrics: what GET /metrics shows, over prometheus-cpp, whose one home this is. Any thread.
#pragma once

#include "client/api/producer.hpp"
#include "client/api/values.hpp"
#include "gateway/core/routes.hpp"
#include "gateway/http/http_observer.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace pinion::gateway {

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void count_request(Call call, std::uint16_t status, Micros took);
  void set_connections(std::size_t open);
  void count_dropped(std::string_view why);

  /// Prometheus' text format.
  [[nodiscard]] std::string text(const ConnectionStatus& connection,
                                 const ProducerCounters& producer);

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace pinion::gateway
