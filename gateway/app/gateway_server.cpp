#include "gateway/app/gateway_server.hpp"

#include <sys/resource.h>

#include "common/obs/log.hpp"
#include "gateway/app/metrics.hpp"
#include "gateway/cluster/cluster.hpp"
#include "gateway/core/read_command.hpp"
#include "gateway/http/http_server.hpp"

#include <algorithm>
#include <utility>

namespace pinion::gateway {
namespace {

/// When the gateway stops, what has been asked is answered within this; what the cluster has not
/// answered by then gets a 503, and so long to leave.
constexpr Micros stop_patience = 3s;
constexpr Micros leave_patience = 1s;

/// Each connection takes a descriptor; the soft limit is often as low as 1,024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) log_warn("the descriptor limit cannot be raised");
}

HttpServerOptions http_options(const GatewayConfig& config) {
  HttpServerOptions options;
  options.binds = config.binds;
  options.tls_certificate = config.tls_certificate;
  options.tls_key = config.tls_key;
  options.threads = config.threads;
  options.connections_max = config.connections_max;
  options.header_bytes_max = config.header_bytes_max;
  options.idle_timeout = Micros(std::int64_t{config.idle_timeout_ms} * 1'000);
  options.request_timeout = Micros(std::int64_t{config.request_timeout_ms} * 1'000);
  options.write_timeout = Micros(std::int64_t{config.write_timeout_ms} * 1'000);
  return options;
}

/// Certificate and key can be used; else the error names the key of the configuration, too.
Result<void> check_tls(const GatewayConfig& config) {
  HttpServerOptions options = http_options(config);
  const Result<void> good = HttpServer::check_tls(options);
  if (good) return {};
  // What is wrong whatever the key is, is the certificate.
  options.tls_key.clear();
  const Result<void> without_key = HttpServer::check_tls(options);
  const bool is_certificate = !without_key && without_key.error().detail == good.error().detail;
  const std::string& place = is_certificate ? config.tls_certificate_place : config.tls_key_place;
  return failure(good.error().code, (place.empty() ? place : place + ": ") + good.error().detail);
}

/// Requests to the cluster, and what is told of them to metrics and log.
class Application : public HttpApplication, public HttpObserver {
 public:
  Application(Cluster& cluster, const GatewayConfig& config)
      : cluster_(&cluster),
        access_log_(config.access_log),
        body_bytes_max_(config.body_bytes_max),
        small_body_bytes_max_(std::min(config.small_body_bytes_max, config.body_bytes_max)) {}

  RequestTraits traits_of(std::string_view method, std::string_view target) const override {
    const Call call = find_route(method, target).call;
    RequestTraits traits;
    traits.keeps_body = brings_records(call);
    traits.body_bytes_max = traits.keeps_body ? body_bytes_max_ : small_body_bytes_max_;
    traits.has_large_answer = gives_records(call);
    traits.takes = call == Call::dequeue;
    return traits;
  }

  Hurry serve(const HttpRequest& request, std::function<void(HttpResult)> then) override {
    ReadCommand read = read_command(request);
    if (auto* answer = std::get_if<HttpAnswer>(&read.what)) {
      then(std::move(*answer));
      return {};
    }
    Command& command = std::get<Command>(read.what);
    if (std::holds_alternative<MetricsCommand>(command)) {
      HttpAnswer page;
      page.content_type = "text/plain; version=0.0.4; charset=utf-8";
      page.body = metrics_.text(cluster_->status(), cluster_->counters());
      then(std::move(page));
      return {};
    }
    if (auto* follow = std::get_if<FollowCommand>(&command)) {
      cluster_->follow(std::move(*follow), std::move(then));
      return {};
    }
    return cluster_->carry_out(std::move(command), [then = std::move(then)](HttpAnswer answer) {
      then(std::move(answer));
    });
  }

  void on_served(const ServedRequest& request) override {
    const Call call =
        request.method == "-" ? Call::malformed : find_route(request.method, request.target).call;
    metrics_.count_request(call, request.status, request.took);
    if (access_log_ == AccessLog::none) return;
    if (access_log_ == AccessLog::errors && request.status < 500) return;
    log_info("request", {{"peer", request.peer},
                         {"method", request.method},
                         {"target", request.target.substr(0, request.target.find('?'))},
                         {"status", std::int64_t{request.status}},
                         {"bytes", std::uint64_t{request.body_bytes}},
                         {"took_us", request.took}});
  }
  void on_connections(std::size_t open) override { metrics_.set_connections(open); }
  void on_dropped(std::string_view why) override { metrics_.count_dropped(why); }
  void on_fault(std::string_view what) override {
    metrics_.count_dropped("fault");
    log_error("a connection was ended", {{"what", what}});
  }

 private:
  Cluster* cluster_;
  const AccessLog access_log_;
  const std::uint64_t body_bytes_max_;
  const std::uint64_t small_body_bytes_max_;
  Metrics metrics_;
};

}  // namespace

/// In the order in which they need each other. Answers that come late find their session's thread
/// still there: the HTTP server goes only after the cluster has ended.
struct GatewayServer::Inside {
  std::unique_ptr<Cluster> cluster;
  std::unique_ptr<Application> application;
  std::unique_ptr<HttpServer> http;
  bool stopped = false;
};

GatewayServer::GatewayServer(std::unique_ptr<Inside> inside) noexcept
    : inside_(std::move(inside)) {}

GatewayServer::~GatewayServer() { stop(); }

Result<void> GatewayServer::check_config(const GatewayConfig& config) {
  PINION_CHECK(check(config));
  return check_tls(config);
}

Result<std::unique_ptr<GatewayServer>> GatewayServer::start(const GatewayConfig& config) {
  PINION_CHECK(check(config));
  PINION_CHECK(check_tls(config));
  raise_descriptor_limit();
  auto inside = std::make_unique<Inside>();
  ClusterOptions options;
  options.broker = config.broker;
  options.answer_within = Micros(std::int64_t{config.answer_within_ms} * 1'000);
  PINION_TRY(cluster, Cluster::open(options));
  inside->cluster = std::move(cluster);
  inside->application = std::make_unique<Application>(*inside->cluster, config);
  auto http = HttpServer::start(http_options(config), *inside->application, *inside->application);
  if (!http) {
    // Certificate and key are good: it is an address.
    return failure(http.error().code, http.error().detail +
                                          "; choose another port, or stop the program that has "
                                          "this one");
  }
  inside->http = std::move(*http);
  for (const std::string& address : inside->http->addresses()) {
    log_info("gateway serves",
             {{"version", PINION_VERSION}, {"address", address}, {"broker", config.broker}});
  }
  return std::unique_ptr<GatewayServer>(new GatewayServer(std::move(inside)));
}

std::vector<std::string> GatewayServer::addresses() const { return inside_->http->addresses(); }

void GatewayServer::stop() {
  if (inside_->stopped) return;
  inside_->stopped = true;
  inside_->http->drain(stop_patience);
  inside_->cluster->close();
  inside_->http->stop(leave_patience);
  log_info("gateway ends");
}

}  // namespace pinion::gateway
