// A small HTTP client for tests: one connection, blocking, keep-alive; and, below it, bytes as they
// are, for what no HTTP library would send. One thread.
#pragma once

#include "common/base/time.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::test {

struct HttpReply {
  int status = 0;  ///< 0: no answer came (the connection was lost, or the time was over).
  std::map<std::string, std::string> headers;  ///< Names in lower case.
  std::string body;
  [[nodiscard]] std::string header(const std::string& name) const;
};

class HttpClient {
 public:
  explicit HttpClient(int port, Micros timeout = 20s) : port_(port), timeout_(timeout) {}
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  using Headers = std::vector<std::string>;  ///< "Name: value" each.
  /// One request and its answer; connects when there is no connection. Does not repeat anything.
  HttpReply ask(std::string_view method, std::string_view target, std::string_view body = {},
                const Headers& headers = {});

  // ---- Bytes
  bool connect();
  bool send(std::string_view bytes);
  /// The next answer on this connection. `to_head`: it has no body, whatever its length says.
  HttpReply receive(bool to_head = false);
  /// Until the text has come, or nothing more does; what has come.
  std::string receive_until(std::string_view text);
  /// No more sending: the other half stays open.
  void half_close();
  /// Whether the other side ends the connection within so long; drops what comes.
  bool closed_within(Micros limit);
  void close();

 private:
  bool read_more();

  const int port_;
  const Micros timeout_;
  int socket_ = -1;
  std::string buffer_;
};

}  // namespace pinion::test
