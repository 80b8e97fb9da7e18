// A request and its answer as the core sees them: no socket, no header it does not need. Plain.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pinion::gateway {

/// Refers to memory that whoever received it keeps.
struct HttpRequest {
  std::string_view method;
  std::string_view target;  ///< Path and query, as they came.
  std::string_view content_type;
  std::string_view request_id;     ///< The header X-Request-Id, or empty.
  std::string_view last_event_id;  ///< The header Last-Event-ID, or empty.
  std::string_view body;
};

struct HttpAnswer {
  std::uint16_t status = 200;
  std::string body;
  std::string_view content_type = "application/json";
  std::string_view allow{};       ///< With 405.
  std::uint16_t retry_after = 0;  ///< Seconds, with 503.
};

}  // namespace pinion::gateway
