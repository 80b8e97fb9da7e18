// What an HTTP server tells while it works: for metrics and the access log. From any of its
// threads; must be quick.
#pragma once

#include "common/base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pinion::gateway {

struct ServedRequest {
  std::string_view peer;    ///< "127.0.0.1"
  std::string_view method;  ///< "-" for what is no request, as its target.
  std::string_view target;
  std::uint16_t status = 0;
  std::size_t body_bytes = 0;  ///< Of the answer.
  Micros took{0};  ///< From the request's last byte to the answer's; a stream's at its end.
};

class HttpObserver {
 public:
  virtual ~HttpObserver() = default;
  virtual void on_served(const ServedRequest& request) = 0;
  virtual void on_connections(std::size_t open) = 0;
  /// A connection that was ended or refused; `why` is one of a few fixed words.
  virtual void on_dropped(std::string_view why) = 0;
  /// Something was thrown where nothing should be: a connection was ended for it.
  virtual void on_fault(std::string_view what) = 0;
};

}  // namespace pinion::gateway
