// HttpSessionOver<Stream>: the session over a plain or an encrypted stream. Inside the two sources
// that make them only: it brings the whole of Beast's parser.
//
//             first byte             whole                      answered, keep-alive
//   (idle) ──────────────► reading ────────► serving ─► writing ────────────────────► (idle)
//      │ idle_timeout         │ request_timeout: 408       │ write_timeout
//      ▼                      ▼                            ▼
//    closed               closed after it                closed
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "gateway/core/answers.hpp"
#include "gateway/http/http_session.hpp"
#include "gateway/http/http_text.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace pinion::gateway {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

[[nodiscard]] inline Micros http_now() {
  return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch());
}

template <typename Stream>
class HttpSessionOver : public HttpSession,
                        public std::enable_shared_from_this<HttpSessionOver<Stream>> {
 public:
  HttpSessionOver(HttpLane& lane, Stream stream)
      : lane_(&lane), shared_(lane.shared), stream_(std::move(stream)) {
    error_code ignored;
    const auto peer = stream_.lowest_layer().remote_endpoint(ignored);
    if (!ignored) peer_ = peer.address().to_string(ignored);
    stream_.lowest_layer().set_option(asio::ip::tcp::no_delay(true), ignored);
    lane_->sessions.insert(this);
    shared_->observer->on_connections(++shared_->connections);
  }
  ~HttpSessionOver() override {
    release_body();
    if (events_) events_->stop();
    lane_->sessions.erase(this);
    shared_->observer->on_connections(--shared_->connections);
  }

  void on_tick() override {
    if (lane_->now < deadline_) return;
    deadline_ = never;
    if (state_ == State::reading) {
      // The read that is cancelled finds the answer to give.
      late_ = true;
      error_code ignored;
      stream_.lowest_layer().cancel(ignored);
      return;
    }
    if (state_ != State::idle) shared_->observer->on_dropped("slow_reader");
    close();
  }

  void stop() override {
    if (state_ == State::idle || state_ == State::streaming) close();
  }

 protected:
  enum class State : std::uint8_t { idle, reading, serving, writing, streaming, closed };

  void become(State state, Micros timeout) {
    state_ = state;
    deadline_ = timeout >= never ? never : lane_->now + timeout;
  }

  void close() {
    become(State::closed, never);
    error_code ignored;
    stream_.lowest_layer().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    stream_.lowest_layer().close(ignored);
    // Last: what the stream waits for may hold this session, and nobody else.
    if (const auto events = std::move(events_)) events->stop();
  }

  // ---- Reading

  void read_request() {
    if (shared_->stopping.load()) return close();
    parser_.emplace();
    parser_->header_limit(shared_->options.header_bytes_max);
    parser_->body_limit(shared_->options.body_bytes_max);
    has_header_ = false;
    const bool begun = buffer_.size() > 0;
    if (!begun && buffer_.capacity() > buffer_kept_max) buffer_.shrink_to_fit();
    if (begun) {
      become(State::reading, shared_->options.request_timeout);
    } else {
      become(State::idle, shared_->options.idle_timeout);
    }
    read_some();
  }

  void read_some() {
    beast::http::async_read_some(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](error_code error, std::size_t) { self->on_read(error); });
  }

  void on_read(error_code error) {
    if (state_ == State::closed) return;
    if (late_) return refuse(408, "The request was not finished in time", "slow_request");
    if (error) return on_read_error(error);
    if (state_ == State::idle) become(State::reading, shared_->options.request_timeout);
    if (parser_->is_header_done() && !has_header_) {
      has_header_ = true;
      if (!parser_->is_done() && expects_continue()) return send_continue();
    }
    if (!claim_body(parser_->get().body().size())) {
      return refuse(503, "Too many large requests at once; try again", "too_many_bodies");
    }
    if (!parser_->is_done()) return read_some();
    serve();
  }

  void on_read_error(error_code error) {
    namespace http = beast::http;
    if (error == http::error::header_limit) {
      return refuse(431, "The headers are larger than this server takes", "large_header");
    }
    if (error == http::error::body_limit) {
      return refuse(413, "The body is larger than this server takes", "large_body");
    }
    // Asio's own errors are the connection's end; Beast's are what the peer sent.
    static const auto& http_category = http::make_error_code(http::error::bad_method).category();
    if (error.category() == http_category && error != http::error::end_of_stream &&
        error != http::error::partial_message) {
      return refuse(400, "This is not HTTP/1.1: " + error.message(), "malformed");
    }
    if (state_ == State::reading) shared_->observer->on_dropped("cut_off");
    close();
  }

  [[nodiscard]] bool expects_continue() const {
    const auto expect = parser_->get()[beast::http::field::expect];
    return beast::iequals(expect, "100-continue");
  }

  void send_continue() {
    static constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(text.data(), text.size()),
                      [self = this->shared_from_this()](error_code error, std::size_t) {
                        if (self->state_ == State::closed) return;
                        if (error) return self->close();
                        self->read_some();
                      });
  }

  /// What has come of a large body counts until the request is answered.
  [[nodiscard]] bool claim_body(std::size_t bytes) {
    if (bytes <= small_body || bytes <= claimed_) return true;
    const std::uint64_t more = bytes - claimed_;
    if (shared_->body_bytes.fetch_add(more) + more > bodies_bytes_max) {
      shared_->body_bytes.fetch_sub(more);
      return false;
    }
    claimed_ = bytes;
    return true;
  }
  void release_body() {
    shared_->body_bytes.fetch_sub(claimed_);
    claimed_ = 0;
  }

  // ---- Serving

  void serve() {
    const auto& message = parser_->get();
    become(State::serving, never);  // The application answers in time.
    served_from_ = http_now();
    const auto text = [](auto view) { return std::string_view(view.data(), view.size()); };
    method_ = text(message.method_string());
    target_ = text(message.target());
    HttpRequest request;
    request.method = method_;
    request.target = target_;
    request.content_type = text(message[beast::http::field::content_type]);
    request.request_id = text(message["X-Request-Id"]);
    request.last_event_id = text(message["Last-Event-ID"]);
    request.body = message.body();
    after_ = message.keep_alive() ? After::keep_alive : After::close;
    shared_->application->serve(request, [held = hold()](HttpResult result) {
      // Back to the session's own thread; never deeper on the stack than this.
      auto self = std::move(*held);
      auto& context = self->lane_->context;
      asio::post(context, [self = std::move(self), result = std::move(result)]() mutable {
        self->on_result(std::move(result));
      });
    });
  }

  void on_result(HttpResult result) {
    if (state_ == State::closed) return;
    if (auto* answer = std::get_if<HttpAnswer>(&result)) return send(std::move(*answer));
    events_ = std::get<std::shared_ptr<EventStream>>(std::move(result));
    out_ = stream_head(lane_->date);
    write_piece();
  }

  /// For what is no request: answered, and the connection ended, for what follows is unknown.
  void refuse(std::uint16_t status, std::string_view message, std::string_view why) {
    shared_->observer->on_dropped(why);
    late_ = false;
    served_from_ = http_now();
    if (!has_header_) method_ = target_ = "-";
    after_ = After::close;
    HttpAnswer answer = refused(message, {}, status);
    if (status == 503) answer.retry_after = 1;
    send(std::move(answer));
  }

  void send(HttpAnswer answer) {
    status_ = answer.status;
    body_bytes_ = answer.body.size();
    if (shared_->stopping.load()) after_ = After::close;
    out_ = answer_head(answer, lane_->date, after_);
    if (method_ != "HEAD") out_ += answer.body;
    release_body();
    become(State::writing, shared_->options.write_timeout);
    asio::async_write(
        stream_, asio::buffer(out_),
        [self = this->shared_from_this()](error_code error, std::size_t) { self->on_sent(error); });
  }

  void on_sent(error_code error) {
    if (state_ == State::closed) return;
    if (error) return close();
    shared_->observer->on_served(
        {peer_, method_, target_, status_, body_bytes_, http_now() - served_from_});
    if (out_.capacity() > buffer_kept_max) std::string().swap(out_);
    if (after_ == After::keep_alive) return read_request();
    linger();
  }

  /// Ends in order: the peer may still be sending, and a reset would take the answer from it.
  void linger() {
    error_code ignored;
    stream_.lowest_layer().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    become(State::idle, linger_for);
    drain_left_ = drain_bytes_max;
    drain();
  }
  void drain() {
    trash_.resize(4096);
    stream_.async_read_some(asio::buffer(trash_),
                            [self = this->shared_from_this()](error_code error, std::size_t bytes) {
                              if (self->state_ == State::closed) return;
                              if (error || bytes >= self->drain_left_) return self->close();
                              self->drain_left_ -= bytes;
                              self->drain();
                            });
  }

  // ---- Streaming

  void write_piece() {
    become(State::streaming, shared_->options.write_timeout);
    asio::async_write(stream_, asio::buffer(out_),
                      [self = this->shared_from_this()](error_code error, std::size_t) {
                        if (self->state_ == State::closed) return;
                        if (error || self->shared_->stopping.load()) return self->close();
                        self->next_piece();
                      });
  }

  void next_piece() {
    become(State::streaming, never);
    events_->next([held = hold()](std::optional<std::string> piece) {
      auto self = std::move(*held);
      auto& context = self->lane_->context;
      asio::post(context, [self = std::move(self), piece = std::move(piece)]() mutable {
        if (self->state_ == State::closed) return;
        if (!piece) return self->close();
        self->out_ = std::move(*piece);
        self->write_piece();
      });
    });
  }

  /// For callbacks on other threads: however often they are copied there, the session is in them
  /// once, and comes back whole. So it always ends on its own thread.
  [[nodiscard]] auto hold() {
    return std::make_shared<std::shared_ptr<HttpSessionOver>>(this->shared_from_this());
  }

  /// Kept by an idle connection: 2,000 of them then take some 20 MB at most.
  static constexpr std::size_t buffer_kept_max = 8 * 1024;
  static constexpr std::uint64_t small_body = 64 * 1024;
  /// Of all connections: what 16 of the largest requests take.
  static constexpr std::uint64_t bodies_bytes_max = std::uint64_t{256} * 1024 * 1024;
  static constexpr Micros linger_for = 2s;
  static constexpr std::size_t drain_bytes_max = 32 * 1024 * 1024;

  HttpLane* lane_;
  HttpShared* shared_;
  Stream stream_;
  std::string peer_;
  State state_ = State::idle;
  Micros deadline_ = never;
  bool late_ = false;
  bool has_header_ = false;
  std::uint64_t claimed_ = 0;
  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  std::shared_ptr<EventStream> events_;
  std::string method_;
  std::string target_;
  Micros served_from_{0};
  After after_ = After::keep_alive;
  std::uint16_t status_ = 0;
  std::size_t body_bytes_ = 0;
  std::string out_;
  std::string trash_;
  std::size_t drain_left_ = 0;
};

}  // namespace pinion::gateway
