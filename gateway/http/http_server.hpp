// HttpServer: HTTP/1.1 over TCP and TLS, asynchronous. Boost.Beast parses and writes; it is seen by
// the sources of this folder alone.
//
//   accept ─► read a request ─► application.serve ─► write its answer ─► read the next one
//
// A connection's requests are served one after the other, in order, so pipelined ones wait in its
// socket; many connections share each thread, and an idle one holds none. A body is read whatever
// the method. Everything a peer can make us keep is bounded: header and body sizes, connections,
// large bodies and large answers of all together, and the time for each; see HttpServerOptions and
// http_budgets.hpp.
#pragma once

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "gateway/http/http_application.hpp"
#include "gateway/http/http_observer.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pinion::gateway {

struct HttpServerOptions {
  std::vector<std::string> binds = {"127.0.0.1:8080"};  ///< "ADDRESS:PORT"; port 0 picks one.
  std::string tls_certificate{};                        ///< A PEM file; empty: plain HTTP.
  std::string tls_key{};
  std::uint32_t threads = 1;
  std::uint32_t connections_max = 10'000;
  std::uint32_t header_bytes_max = 16 * 1024;
  Micros idle_timeout = 75s;     ///< Between two requests.
  Micros request_timeout = 30s;  ///< From a request's first byte to its last.
  Micros write_timeout = 30s;    ///< For each 64 KiB of an answer.
};

class HttpServer {
 public:
  /// Listens and serves, in its own threads. io_failed: an address is in use, a certificate cannot
  /// be read; the error says which. Requires: application and observer outlive it.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options,
                                                                 HttpApplication& application,
                                                                 HttpObserver& observer);
  /// Whether the certificate and its key can be read and belong together; io_failed says why not.
  [[nodiscard]] static Result<void> check_tls(const HttpServerOptions& options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// "http://127.0.0.1:8080", one for each bind.
  [[nodiscard]] std::vector<std::string> addresses() const;

  /// No new connections, and no new requests on the old ones: what had come by then, also on those
  /// that were not accepted yet, is served. Ends waits, and returns when all that was asked is
  /// answered, or after `patience`.
  void drain(Micros patience);
  /// The same, and then ends what is left.
  void stop(Micros patience);

 private:
  struct Inside;
  explicit HttpServer(std::unique_ptr<Inside> inside) noexcept;
  std::unique_ptr<Inside> inside_;
};

}  // namespace pinion::gateway
