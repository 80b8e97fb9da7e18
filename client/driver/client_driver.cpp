// The driver as API threads see it. The I/O thread itself is in client_loop.cpp.
#include "client/driver/client_driver.hpp"

#include "client/driver/clock.hpp"
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <future>
#include <utility>

namespace pinion::client {
namespace {

/// Beyond a call's own deadline, by which the session answers: the I/O thread may be busy.
constexpr Micros answer_grace = 2s;

tl::unexpected<Error> closed() { return failure(Errc::closed, "the client is closed"); }

}  // namespace

ClientDriver::ClientDriver(SessionOptions options)
    : commands_(limits::client_commands_max, limits::client_commands_max),
      record_bytes_max_(limits::record_bytes_default),
      away_since_(monotonic_now()),
      session_(std::move(options)) {}

Result<std::shared_ptr<ClientDriver>> ClientDriver::start(SessionOptions options,
                                                          TransportFactory open) {
  std::shared_ptr<ClientDriver> driver(new ClientDriver(std::move(options)));
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto opened = promise->get_future();
  driver->thread_ = std::thread([raw = driver.get(), open = std::move(open), promise] {
    raw->run(open, [&](Result<void> result) { promise->set_value(std::move(result)); });
  });
  Result<void> result = opened.get();
  if (!result) {
    driver->stop();
    return failure(std::move(result.error()));
  }
  return driver;
}

ClientDriver::~ClientDriver() { stop(); }

void ClientDriver::stop() {
  PINION_ASSERT(!on_io_thread());
  const std::lock_guard lock(stop_mutex_);
  if (!thread_.joinable()) return;
  stopping_.store(true);
  waker_.wake();
  thread_.join();
}

Result<void> ClientDriver::post(Command command) {
  switch (commands_.try_push(std::move(command), 1)) {
    case Pushed::closed:
      return closed();
    case Pushed::full:
      return failure(Errc::throttled, "the client has too much to do");
    case Pushed::first:
    case Pushed::more:
      break;
  }
  waker_.wake();
  return {};
}

Result<void> ClientDriver::post_and_wait(Command command) {
  PINION_ASSERT(!on_io_thread());
  auto promise = std::make_shared<std::promise<void>>();
  auto done = promise->get_future();
  PINION_CHECK(post([command = std::move(command), promise = std::move(promise)] {
    command();
    promise->set_value();
  }));
  done.wait();  // The I/O thread runs every command that it took, also when it stops.
  return {};
}

Result<void> ClientDriver::wait_until_connected(Micros timeout) {
  std::unique_lock lock(status_mutex_);
  status_changed_.wait_for(lock, timeout, [this] {
    return status_.connected || refusal_.has_value() || stopping_.load();
  });
  if (status_.connected) return {};
  if (refusal_) return failure(*refusal_);
  return failure(Errc::connection_lost, status_.problem);
}

ConnectionStatus ClientDriver::status() const {
  const std::lock_guard lock(status_mutex_);
  ConnectionStatus status = status_;
  if (refusal_ && !status.connected) status.refused = refusal_->code;
  if (!status.connected) status.away_for = monotonic_now() - away_since_;
  return status;
}

Result<std::shared_ptr<TopicEntry>> ClientDriver::watch(const std::string& topic) {
  PINION_TRY(found, topics_.entry(topic));
  auto& [entry, fresh] = found;
  if (fresh) {
    auto posted = post([this, topic] { step(WatchTopic{topic}); });
    if (!posted) {
      topics_.forget(topic);
      return failure(std::move(posted.error()));
    }
  }
  return std::move(entry);
}

Result<ProducerHandle> ClientDriver::add_producer(AddProducer producer) {
  const ProducerHandle handle(++last_handle_);
  PINION_CHECK(post([this, handle, producer = std::move(producer)] {
    ProducerFeed::Session session;
    session.step = [this](Input input) { step(std::move(input)); };
    session.worth = [this](ProducerHandle which, PartitionKey key) {
      return session_.batch_worth_sending(which, key);
    };
    producers_.try_emplace(handle, handle, producer.options, producer.accumulator, producer.totals,
                           std::move(session));
    step(OpenProducer{handle, producer.options.acks, producer.options.idempotent});
  }));
  return handle;
}

void ClientDriver::remove_producer(ProducerHandle producer) {
  const auto remove = [this, producer] {
    const auto at = producers_.find(producer);
    if (at == producers_.end()) return;
    step(CloseProducer{producer});
    at->second.report_rest();
    producers_.erase(at);
  };
  if (on_io_thread()) {  // Destroyed inside a callback.
    static_cast<void>(post(remove));
    return;
  }
  static_cast<void>(post_and_wait(remove));  // Refused: shut_down() has reported everything.
}

Result<ConsumerHandle> ClientDriver::add_consumer(AddConsumer consumer) {
  const ConsumerHandle handle(++last_handle_);
  PINION_CHECK(post([this, handle, consumer = std::move(consumer)]() mutable {
    const Micros first =
        consumer.auto_commit_every >= never ? never : now_.monotonic + consumer.auto_commit_every;
    consumers_[handle] = {consumer.buffer, consumer.auto_commit_every, first};
    step(OpenConsumer{handle, std::move(consumer.settings)});
  }));
  return handle;
}

void ClientDriver::remove_consumer(ConsumerHandle consumer) {
  static_cast<void>(post([this, consumer] {
    if (consumers_.find(consumer) == consumers_.end()) return;
    step(CloseConsumer{consumer});
    consumers_.erase(consumer);
  }));
}

Result<void> ClientDriver::seek(Seek seek) {
  return post([this, seek] {
    if (consumers_.find(seek.consumer) != consumers_.end()) step(seek);
  });
}

Result<void> ClientDriver::commit(ConsumerHandle consumer, std::vector<ReadPosition> positions,
                                  Micros timeout, std::shared_ptr<CallSlot> slot) {
  const Micros deadline = monotonic_now() + timeout;
  return post([this, consumer, positions = std::move(positions), deadline, slot] {
    for (const ReadPosition& position : positions) {
      if (consumers_.find(consumer) != consumers_.end()) {
        send_commit(consumer, position, deadline, slot);
      } else {
        slot->put({CallId(0), failure(Errc::closed, "the consumer is closed"), false});
      }
    }
  });
}

Result<CallDone> ClientDriver::call(Ask ask, Micros timeout) {
  if (on_io_thread()) {
    return failure(Errc::invalid_argument,
                   "a call that waits must not be made from inside a callback");
  }
  auto slot = std::make_shared<CallSlot>();
  const Micros deadline = monotonic_now() + timeout;
  PINION_CHECK(post([this, ask = std::move(ask), deadline, slot]() mutable {
    const CallId id(++last_call_);
    calls_[id].slot = slot;
    step(Call{id, std::move(ask.topic), ask.partition, std::move(ask.body), deadline,
              std::move(ask.records)});
  }));
  auto done = slot->wait(timeout + answer_grace);
  if (!done) return failure(Errc::timed_out, "the client's I/O thread is held up by a callback");
  return std::move(*done);
}

void ClientDriver::call(Ask ask, Micros timeout, Answer answer) {
  const Micros deadline = monotonic_now() + timeout;
  auto shared = std::make_shared<Answer>(std::move(answer));  // A refused command is lost.
  auto posted = post([this, ask = std::move(ask), deadline, shared]() mutable {
    const CallId id(++last_call_);
    calls_[id].answer = std::move(*shared);
    step(Call{id, std::move(ask.topic), ask.partition, std::move(ask.body), deadline,
              std::move(ask.records)});
  });
  if (!posted) (*shared)({CallId(0), failure(std::move(posted.error())), false});
}

}  // namespace pinion::client
