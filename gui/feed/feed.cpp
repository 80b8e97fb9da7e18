#include "gui/feed/feed.hpp"

#include "client/api/client.hpp"
#include "gui/feed/browse_feed.hpp"
#include "gui/feed/cluster_feed.hpp"
#include "gui/feed/feed_context.hpp"
#include "gui/feed/producer_feed.hpp"
#include "gui/feed/query_feed.hpp"
#include "gui/feed/reader_feed.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace pinion::gui {
namespace {

/// What waits for the feed thread. Answers are bounded by what is asked: a refresh asks 64
/// partitions at once, live reading a fetch a partition.
constexpr std::size_t inbox_max = 65'536;
/// A person sees no difference, and a burst of records does not make a snapshot each.
constexpr Micros publish_every = 33ms;
constexpr std::size_t inbox_per_turn = 4'096;
constexpr Micros closing_time_max = 300ms;

Now read_clocks() {
  using std::chrono::duration_cast;
  return {duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch()),
          duration_cast<Micros>(std::chrono::system_clock::now().time_since_epoch())};
}

}  // namespace

class Feed::Inside {
 public:
  explicit Inside(FeedOptions options)
      : options_(std::move(options)),
        cluster_(context_, options_.address),
        reader_(context_, options_.records),
        producer_(context_, static_cast<std::uint64_t>(read_clocks().wall.count())),
        browse_(context_, options_.browse),
        query_(context_),
        export_(context_) {
    context_.inbox = inbox_;
    context_.now = read_clocks();
    publish();
    thread_ = std::thread([this] { run(); });
  }

  void stop() {
    stopping_.store(true);
    static_cast<void>(inbox_->try_push([] {}));
  }

  void join() { thread_.join(); }

  bool post(Command command) {
    auto shared = std::make_shared<Command>(std::move(command));
    const Pushed pushed = inbox_->try_push([this, shared] { carry_out(std::move(*shared)); });
    return pushed == Pushed::first || pushed == Pushed::more;
  }

  std::shared_ptr<const Snapshot> snapshot() const {
    const std::lock_guard lock(slot_mutex_);
    return slot_;
  }

 private:
  void run();
  void open_client();
  void keep_positions();
  void tick();
  [[nodiscard]] Micros next_deadline() const;
  void publish();
  void carry_out(Command&& command);

  void on(const AskStatus&) { cluster_.ask_status(); }
  void on(const MakeTopic& command) { cluster_.make_topic(command); }
  void on(const RemoveTopic& command) { cluster_.remove_topic(command); }
  void on(const ChangeTopic& command) { cluster_.change_topic(command); }
  void on(const ChangeNode& command) { cluster_.change_node(command); }
  void on(const SendRecords& command) { producer_.send(command); }
  void on(const CancelJob& command) { producer_.cancel(command.job); }
  void on(const ForgetJobs&) { producer_.forget(); }
  void on(const StartReading& command) {
    if (context_.client) reader_.start(command);
  }
  void on(const StopReading&) { reader_.stop(); }
  void on(const RefreshReading&) { reader_.refresh(); }
  void on(const SetReadMode& command) { reader_.set_mode(command.mode); }
  void on(const SetReadPeriod& command) { reader_.set_period(command.period); }
  void on(const SeekReading& command) { reader_.seek(command.place); }
  void on(const ClearRecords&) { reader_.clear(); }
  void on(const BrowsePartition& command) { browse_.open(command); }
  void on(const BrowseMore& command) { browse_.more(command); }
  void on(const RunQuery& command) {
    const auto known = cluster_.topics().find(command.topic);
    query_.run(command, known == cluster_.topics().end()
                            ? std::nullopt
                            : std::optional<std::int32_t>(known->second.partitions));
  }
  void on(const CancelQuery&) { query_.cancel(); }
  void on(ExportRows& command) { export_.begin(std::move(command)); }

  FeedOptions options_;
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>(inbox_max, inbox_max);
  FeedContext context_;
  ClusterFeed cluster_;
  ReaderFeed reader_;
  ProducerFeed producer_;
  BrowseFeed browse_;
  QueryFeed query_;
  ExportFeed export_;
  std::uint64_t topics_version_ = 0;
  std::uint64_t version_ = 0;
  Micros published_at_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
  mutable std::mutex slot_mutex_;
  std::shared_ptr<const Snapshot> slot_;
};

void Feed::Inside::run() {
  open_client();
  std::vector<std::function<void()>> work;
  while (!stopping_.load()) {
    const Micros until = next_deadline();
    const Micros wait = std::clamp(until - read_clocks().monotonic, Micros{0}, Micros(1s));
    work.clear();
    inbox_->wait_and_take(work, inbox_per_turn, wait);
    context_.now = read_clocks();
    for (const auto& one : work) one();
    tick();
    if (context_.dirty && context_.now.monotonic >= published_at_ + publish_every) publish();
  }
  keep_positions();
  inbox_->close();
  if (context_.client) context_.client->close();
}

/// Before the connection goes; without a broker that answers, not for long.
void Feed::Inside::keep_positions() {
  reader_.stop();
  const Micros give_up = read_clocks().monotonic + closing_time_max;
  std::vector<std::function<void()>> work;
  while (reader_.commits_open() > 0) {
    const Micros left = give_up - read_clocks().monotonic;
    if (left <= Micros{0}) return;
    work.clear();
    inbox_->wait_and_take(work, inbox_per_turn, left);
    for (const auto& one : work) one();
  }
}

void Feed::Inside::open_client() {
  auto client = Client::open({.broker = options_.address});
  if (!client) return cluster_.set_invalid(client.error().detail);
  context_.client = std::move(*client);
  context_.calls = std::make_shared<Calls>(context_.client->calls());
}

void Feed::Inside::tick() {
  cluster_.on_tick();
  if (cluster_.topics_version() != topics_version_) {
    topics_version_ = cluster_.topics_version();
    reader_.on_topics(cluster_.topics());
  }
  reader_.on_tick();
  producer_.on_tick();
  export_.on_tick();
}

Micros Feed::Inside::next_deadline() const {
  Micros next = std::min({cluster_.next_deadline(), reader_.next_deadline(),
                          producer_.next_deadline(), export_.next_deadline()});
  if (context_.dirty) next = std::min(next, published_at_ + publish_every);
  return next;
}

void Feed::Inside::publish() {
  context_.dirty = false;
  published_at_ = context_.now.monotonic;
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->version = ++version_;
  snapshot->made_at = context_.now.monotonic;
  cluster_.put_into(*snapshot);
  snapshot->producing = producer_.view();
  snapshot->consume = reader_.view();
  snapshot->browse = browse_.view();
  snapshot->query = query_.view();
  snapshot->export_action = export_.result();
  {
    const std::lock_guard lock(slot_mutex_);
    slot_ = std::move(snapshot);
  }
  if (options_.wake) options_.wake();
}

void Feed::Inside::carry_out(Command&& command) {
  std::visit([this](auto& one) { on(one); }, command);
}

Feed::Feed(FeedOptions options) : inside_(std::make_shared<Inside>(std::move(options))) {}
Feed::~Feed() {
  inside_->stop();
  inside_->join();
}
void Feed::stop() { inside_->stop(); }
bool Feed::post(Command command) { return inside_->post(std::move(command)); }
std::shared_ptr<const Snapshot> Feed::snapshot() const { return inside_->snapshot(); }

}  // namespace pinion::gui
