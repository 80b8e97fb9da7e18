// HttpSessionOver<Stream>: the session over a plain or an encrypted stream. Inside the two sources
// that make them only: it brings the whole of Beast's parser.
//
//             first byte             whole                      answered, keep-alive
//   (idle) ──────────────► reading ────────► serving ─► writing ────────────────────► (idle)
//      │ idle_timeout         │ request_timeout: 408       │ write_timeout
//      ▼                      ▼                            ▼
//    closed               closed after it                closed
//
// While there is little room for large bodies or answers, whoever is slow with one is ended too.
//
// While a request waits for something to happen, or a stream goes on, each tick looks whether the
// peer has ended the connection: then the wait ends, and the stream.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/read_size.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "gateway/core/answers.hpp"
#include "gateway/http/clock.hpp"
#include "gateway/http/http_framing.hpp"
#include "gateway/http/http_session.hpp"
#include "gateway/http/http_text.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <poll.h>

namespace pinion::gateway {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

template <typename Stream>
class HttpSessionOver : public HttpSession,
                        public std::enable_shared_from_this<HttpSessionOver<Stream>> {
 public:
  HttpSessionOver(HttpLane& lane, HttpPlace place, Stream stream)
      : place_(std::move(place)),
        lane_(&lane),
        shared_(lane.shared),
        stream_(std::move(stream)),
        held_body_(shared_->bodies),
        held_answer_(shared_->answers) {
    error_code ignored;
    const auto peer = stream_.lowest_layer().remote_endpoint(ignored);
    if (!ignored) peer_ = peer.address().to_string(ignored);
    stream_.lowest_layer().set_option(asio::ip::tcp::no_delay(true), ignored);
    lane_->sessions.insert(this);
  }
  ~HttpSessionOver() override {
    tell_of_stream();
    if (events_) events_->stop();
    lane_->sessions.erase(this);
  }

  void on_tick() override {
    // What closes it may have been the last that held it.
    const auto self = this->shared_from_this();
    if (state_ == State::serving || state_ == State::streaming) look_for_peer();
    const bool slow = is_slow();
    if (lane_->now < deadline_ && !slow) return;
    deadline_ = lane_->now;  // Again at the next tick, if what is cancelled has just begun anew.
    if (state_ == State::reading) {
      // The read that is cancelled finds the answer to give. Its room is there at once: whether
      // others are too slow is asked in this same tick.
      late_ = true;
      held_body_.release();
      error_code ignored;
      stream_.lowest_layer().cancel(ignored);
      return;
    }
    if (state_ == State::idle) return leave();
    if (state_ != State::ending) shared_->observer->on_dropped("slow_reader");
    close();
  }

  void stop() override {
    const auto self = this->shared_from_this();
    if (state_ == State::serving) hurry();
    const bool is_heard = state_ == State::idle && (is_new_ || has_unread());
    if (state_ == State::reading || is_heard) {
      deadline_ = std::min(deadline_, lane_->now + unfinished_for);
    } else if (state_ == State::idle) {
      leave();
    }
    if (state_ == State::streaming && !is_writing_) say_goodbye();
  }

 protected:
  enum class State : std::uint8_t { idle, reading, serving, writing, streaming, ending, closed };

  void become(State state, Micros timeout) {
    state_ = state;
    deadline_ = timeout >= never ? never : lane_->now + timeout;
  }

  void close() {
    tell_of_stream();
    become(State::closed, never);
    error_code ignored;
    stream_.lowest_layer().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    stream_.lowest_layer().close(ignored);
    held_body_.release();
    held_answer_.release();
    // Last: what the stream or the wait holds may be this session, and nobody else has it.
    const HttpApplication::Hurry ended = std::exchange(hurry_, {});
    if (const auto events = std::move(events_)) events->stop();
  }

  [[nodiscard]] virtual TcpSocket& socket() = 0;
  /// Ends a connection on which nothing is on its way.
  virtual void say_goodbye() { close(); }
  /// The last of our bytes has left; `then` waits for the peer's end.
  virtual void end_sending(std::function<void()> then) {
    error_code ignored;
    stream_.lowest_layer().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    then();
  }

  /// An idle connection is reading: the read that is cancelled says goodbye.
  void leave() {
    is_leaving_ = true;
    deadline_ = lane_->now;
    error_code ignored;
    stream_.lowest_layer().cancel(ignored);
  }

  void hurry() {
    if (const HttpApplication::Hurry hurry = std::exchange(hurry_, {})) hurry();
  }

  /// What comes of a large body, or is taken of a large answer, since it was looked at last.
  [[nodiscard]] bool is_slow() {
    const bool is_body = state_ == State::reading && held_body_.held() > 0;
    const bool is_answer = is_writing_ && held_answer_.held() > 0;
    const Micros took = lane_->now - watched_from_;
    if ((!is_body && !is_answer) || took < watched_for) return false;
    const std::uint64_t bytes = is_body ? held_body_.held() : written_;
    const std::uint64_t moved = bytes - std::exchange(watched_bytes_, bytes);
    watched_from_ = lane_->now;
    return is_body ? is_body_too_slow(moved, took, shared_->bodies.used())
                   : is_reader_too_slow(moved, took, shared_->answers.used());
  }
  void watch() {
    watched_from_ = lane_->now;
    watched_bytes_ = 0;
  }

  /// Something has come that no read has taken yet: a request, say, or the peer's end.
  [[nodiscard]] bool has_unread() {
    pollfd peer{stream_.lowest_layer().native_handle(), POLLIN, 0};
    return buffer_.size() > 0 || ::poll(&peer, 1, 0) > 0;
  }

  /// Half-closed counts as gone: who waits and sends no more is answered at once, and who has gone
  /// altogether looks the same.
  void look_for_peer() {
    if (state_ == State::serving && !hurry_) return;
    pollfd peer{stream_.lowest_layer().native_handle(), POLLRDHUP, 0};
    if (::poll(&peer, 1, 0) <= 0) return;
    if (state_ == State::serving) return hurry();
    close();
  }

  // ---- Reading

  void read_request() {
    const bool stopping = shared_->stopping.load();
    if (stopping && !is_new_ && !has_unread()) return linger();
    parser_.emplace();
    parser_->header_limit(shared_->options.header_bytes_max);
    // By the call, once that is known. (Beast takes "none" for a limit that all lengths exceed.)
    parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
    has_header_ = false;
    method_ = target_ = "-";
    skip_empty_lines(buffer_);
    if (has_begun(buffer_)) return begin_reading();
    if (buffer_.capacity() > buffer_kept_max) buffer_.shrink_to_fit();
    become(State::idle, stopping ? unfinished_for : shared_->options.idle_timeout);
    read_first();
  }

  /// By ourselves: Beast comes back with a whole header and no sooner, and the time for a request
  /// runs from its first byte.
  void read_first() {
    const auto room = buffer_.prepare(beast::read_size(buffer_, buffer_bytes_max));
    stream_.async_read_some(room,
                            [self = this->shared_from_this()](error_code error, std::size_t bytes) {
                              self->on_first(error, bytes);
                            });
  }

  void on_first(error_code error, std::size_t bytes) {
    if (state_ == State::closed) return;
    if (error) return is_leaving_ ? say_goodbye() : on_read_error(error);
    buffer_.commit(bytes);
    skip_empty_lines(buffer_);
    if (!has_begun(buffer_)) return read_first();
    is_leaving_ = false;
    begin_reading();
  }

  void begin_reading() {
    const bool stopping = shared_->stopping.load();
    become(State::reading, stopping ? unfinished_for : shared_->options.request_timeout);
    watch();
    read_some();
  }

  void read_some() {
    beast::http::async_read_some(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](error_code error, std::size_t) { self->on_read(error); });
  }

  void on_read(error_code error) {
    if (state_ == State::closed) return;
    if (late_) return refuse_late();
    if (error) return on_read_error(error);
    if (parser_->is_header_done() && !has_header_) {
      has_header_ = true;
      return on_header();
    }
    go_on_reading();
  }

  void refuse_late() {
    if (!shared_->stopping.load()) {
      return refuse(408, "The request was not finished in time", "slow_request");
    }
    refuse(failed({Errc::throttled, "This gateway ends before the request was finished"}, {}),
           "stopping");
  }

  void on_header() {
    const auto& head = parser_->get();
    method_ = text_of(head.method_string());
    target_ = text_of(head.target());
    traits_ = shared_->application->traits_of(method_, target_);
    if (!has_known_framing(head)) {
      return refuse(400, "Of transfer encodings this server takes chunked alone", "malformed");
    }
    if (parser_->content_length().value_or(0) > traits_.body_bytes_max) {
      return on_read_error(beast::http::error::body_limit);
    }
    parser_->body_limit(traits_.body_bytes_max);
    // What an older client would take for the answer itself.
    const bool continues =
        head.version() >= 11 && beast::iequals(head[beast::http::field::expect], "100-continue");
    if (continues && !parser_->is_done()) return send_continue();
    go_on_reading();
  }

  void go_on_reading() {
    // What has come of a large body counts until it is dropped.
    const std::size_t bytes = parser_->get().body().size();
    if (bytes > small_body_bytes && !held_body_.grow_to(bytes)) {
      return refuse(too_much("Too many large requests at once; try again"), "too_many_bodies");
    }
    if (!parser_->is_done()) return read_some();
    serve();
  }

  void on_read_error(error_code error) {
    namespace http = beast::http;
    // The other one: the line in front of a chunk, or what follows the last one, has no end.
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
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

  void send_continue() {
    static constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(text.data(), text.size()),
                      [self = this->shared_from_this()](error_code error, std::size_t) {
                        if (self->state_ == State::closed) return;
                        if (error) return self->close();
                        self->read_some();
                      });
  }

  // ---- Serving

  void serve() {
    const auto& message = parser_->get();
    become(State::serving, never);  // The application answers in time.
    served_from_ = monotonic_now();
    after_ = message.keep_alive() ? After::keep_alive : After::close;
    if (traits_.has_large_answer && shared_->answers.used() > answers_refused_bytes) {
      return send(too_much("Too many large answers wait for their readers; try again"));
    }
    HttpRequest request;
    request.method = method_;
    request.target = target_;
    request.content_type = text_of(message[beast::http::field::content_type]);
    request.request_id = text_of(message["X-Request-Id"]);
    request.last_event_id = text_of(message["Last-Event-ID"]);
    request.body = message.body();
    hurry_ = shared_->application->serve(request, [held = hold()](HttpResult result) {
      // Back to the session's own thread; never deeper on the stack than this.
      auto self = std::move(*held);
      auto& context = self->lane_->context;
      asio::post(context, [self = std::move(self), result = std::move(result)]() mutable {
        self->on_result(std::move(result));
      });
    });
    // The application has read it. What it keeps of it counts until it answers.
    parser_.reset();
    if (!traits_.keeps_body) held_body_.release();
    if (shared_->stopping.load()) hurry();
  }

  void on_result(HttpResult result) {
    hurry_ = {};
    if (state_ == State::closed) return;
    if (auto* answer = std::get_if<HttpAnswer>(&result)) return send(std::move(*answer));
    events_ = std::get<std::shared_ptr<EventStream>>(std::move(result));
    is_stream_ = true;
    body_bytes_ = 0;
    out_ = stream_head(lane_->date);
    write_piece();
  }

  [[nodiscard]] static HttpAnswer too_much(std::string_view message) {
    return failed({Errc::throttled, std::string(message)}, {});
  }

  /// For what is no request: answered, and the connection ended, for what follows is unknown.
  void refuse(std::uint16_t status, std::string_view message, std::string_view why) {
    refuse(refused(message, {}, status), why);
  }
  void refuse(HttpAnswer answer, std::string_view why) {
    shared_->observer->on_dropped(why);
    late_ = false;
    served_from_ = monotonic_now();
    after_ = After::close;
    send(std::move(answer));
  }

  void send(HttpAnswer answer) {
    drop_body();
    const bool is_large = answer.body.size() > small_answer_bytes;
    if (is_large && traits_.takes) {
      held_answer_.grow_anyway_to(answer.body.size());
    } else if (is_large && !held_answer_.grow_to(answer.body.size())) {
      shared_->observer->on_dropped("too_many_answers");
      answer = failed({Errc::timed_out,
                       "Too many large answers wait for their readers, so that this "
                       "one is not sent: ask again, under the same request_id"},
                      {});
    }
    status_ = answer.status;
    body_bytes_ = answer.body.size();
    if (shared_->stopping.load()) after_ = After::close;
    out_ = answer_head(answer, lane_->date, after_);
    if (method_ != "HEAD") out_ += answer.body;
    state_ = State::writing;
    begin_writing();
  }

  void drop_body() {
    parser_.reset();
    held_body_.release();
  }

  void begin_writing() {
    written_ = 0;
    watch();
    write_some();
  }

  /// The rest of what is to be written, a part at a time.
  void write_some() {
    become(state_, shared_->options.write_timeout);
    is_writing_ = true;
    const std::size_t size = std::min(write_bytes, out_.size() - written_);
    asio::async_write(stream_, asio::buffer(out_.data() + written_, size),
                      [self = this->shared_from_this()](error_code error, std::size_t bytes) {
                        self->on_written(error, bytes);
                      });
  }

  void on_written(error_code error, std::size_t bytes) {
    is_writing_ = false;
    if (state_ == State::closed) return;
    if (error) return close();
    written_ += bytes;
    if (written_ < out_.size()) return write_some();
    held_answer_.release();
    if (state_ == State::writing) return on_sent();
    if (shared_->stopping.load()) return say_goodbye();
    next_piece();
  }

  void on_sent() {
    shared_->observer->on_served(
        {peer_, method_, target_, status_, body_bytes_, monotonic_now() - served_from_});
    if (out_.capacity() > buffer_kept_max) std::string().swap(out_);
    is_new_ = false;
    if (after_ == After::keep_alive) return read_request();
    linger();
  }

  /// A stream is served when it ends, whoever ended it.
  void tell_of_stream() {
    if (!std::exchange(is_stream_, false)) return;
    shared_->observer->on_served(
        {peer_, method_, target_, 200, body_bytes_, monotonic_now() - served_from_});
  }

  /// Ends in order: the peer may still be sending, and a reset would take the answer from it.
  void linger() {
    become(State::ending, shared_->stopping.load() ? unfinished_for : linger_for);
    drain_left_ = drain_bytes_max;
    end_sending([self = this->shared_from_this()] { self->drain(); });
  }
  void drain() {
    trash_.resize(4096);
    socket().async_read_some(asio::buffer(trash_), [self = this->shared_from_this()](
                                                       error_code error, std::size_t bytes) {
      if (self->state_ == State::closed) return;
      if (error || bytes >= self->drain_left_) return self->close();
      self->drain_left_ -= bytes;
      self->drain();
    });
  }

  // ---- Streaming

  void write_piece() {
    // The head, a comment, a few events: as small answers.
    if (out_.size() > small_answer_bytes && !held_answer_.grow_to(out_.size())) {
      // The reader comes back with the id of the last event that it has got.
      shared_->observer->on_dropped("too_many_answers");
      return linger();
    }
    state_ = State::streaming;
    begin_writing();
  }

  void next_piece() {
    become(State::streaming, never);
    events_->next([held = hold()](std::optional<std::string> piece) {
      auto self = std::move(*held);
      auto& context = self->lane_->context;
      asio::post(context, [self = std::move(self), piece = std::move(piece)]() mutable {
        if (self->state_ != State::streaming) return;
        if (!piece) return self->linger();
        self->out_ = std::move(*piece);
        self->body_bytes_ += self->out_.size();
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
  static constexpr Micros linger_for = 2s;
  /// Once the server stops: for a first request, for the rest of one, and for a peer that still
  /// sends. Two ticks, so never less than one.
  static constexpr Micros unfinished_for = 1s;
  static constexpr std::size_t drain_bytes_max = 32 * 1024 * 1024;

  HttpPlace place_;
  HttpLane* lane_;
  HttpShared* shared_;
  Stream stream_;
  std::string peer_;
  State state_ = State::idle;
  Micros deadline_ = never;
  bool is_new_ = true;  ///< Nothing has been answered yet.
  bool late_ = false;
  bool has_header_ = false;
  bool is_leaving_ = false;
  bool is_writing_ = false;
  bool is_stream_ = false;  ///< What is served, and not told of yet.
  RequestTraits traits_;
  HeldBytes held_body_;
  HeldBytes held_answer_;
  Micros watched_from_{0};  ///< The body that is being read, or the answer that is written.
  std::uint64_t watched_bytes_ = 0;
  beast::flat_buffer buffer_{buffer_bytes_max};
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  std::shared_ptr<EventStream> events_;
  std::string method_;
  std::string target_;
  Micros served_from_{0};
  HttpApplication::Hurry hurry_;  ///< While what is served waits.
  After after_ = After::keep_alive;
  std::uint16_t status_ = 0;
  std::size_t body_bytes_ = 0;
  std::string out_;
  std::size_t written_ = 0;
  std::string trash_;
  std::size_t drain_left_ = 0;
};

}  // namespace pinion::gateway
