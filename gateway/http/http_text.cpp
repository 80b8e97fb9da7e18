#include "gateway/http/http_text.hpp"

namespace pinion::gateway {
namespace {

std::string_view reason_of(std::uint16_t status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Payload Too Large";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Unknown";
  }
}

void add(std::string& head, std::string_view name, std::string_view value) {
  head += name;
  head += ": ";
  head += value;
  head += "\r\n";
}

}  // namespace

std::string answer_head(const HttpAnswer& answer, std::string_view date, After after) {
  std::string head;
  head.reserve(256);
  head += "HTTP/1.1 " + std::to_string(answer.status) + ' ';
  head += reason_of(answer.status);
  head += "\r\n";
  add(head, "Server", "pinion");
  add(head, "Date", date);
  add(head, "Content-Type", answer.content_type);
  add(head, "Content-Length", std::to_string(answer.body.size()));
  if (!answer.allow.empty()) add(head, "Allow", answer.allow);
  if (answer.retry_after > 0) add(head, "Retry-After", std::to_string(answer.retry_after));
  add(head, "Connection", after == After::close ? "close" : "keep-alive");
  head += "\r\n";
  return head;
}

std::string stream_head(std::string_view date) {
  std::string head = "HTTP/1.1 200 OK\r\n";
  add(head, "Server", "pinion");
  add(head, "Date", date);
  add(head, "Content-Type", "text/event-stream");
  add(head, "Cache-Control", "no-cache");
  add(head, "X-Accel-Buffering", "no");  // nginx passes events on as they come.
  add(head, "Connection", "close");
  head += "\r\n";
  return head;
}

}  // namespace pinion::gateway
