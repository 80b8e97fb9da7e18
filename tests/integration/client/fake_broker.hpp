// A broker and its partitions played in one thread over the real transport: logs in memory,
// sequences checked as a partition leader does, and faults on demand. For the tests of libpinion.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/ports/transport.hpp"
#include "common/proto/codec.hpp"
#include "common/proto/messages.hpp"
#include "common/zmq/zmq_transport.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace pinion {

class FakeBroker {
 public:
  struct Faults {
    int drop_answers = 0;            ///< Of produce requests: carried out, not answered.
    int drop_requests = 0;           ///< Of produce requests: lost.
    Errc refuse_produce = Errc::ok;  ///< All of them, while it is set.
    bool hold = false;               ///< Nothing is read from the socket.
    bool deaf = false;               ///< Everything is read and nothing is answered.
    Errc refuse_hello = Errc::ok;    ///< All of them, while it is set.
    int corrupt_fetches = 0;
  };

  FakeBroker();
  ~FakeBroker();
  FakeBroker(const FakeBroker&) = delete;
  FakeBroker& operator=(const FakeBroker&) = delete;

  void start();
  /// The process is gone: connections break, what was in flight is lost. The logs stay.
  void stop();
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }

  void add_topic(const std::string& name, std::int32_t partitions);
  void remove_topic(const std::string& name);
  void set(const std::function<void(Faults&)>& change);

  [[nodiscard]] std::vector<std::string> values(const std::string& topic,
                                                std::int32_t partition = 0) const;
  [[nodiscard]] std::size_t batches(const std::string& topic, std::int32_t partition = 0) const;
  [[nodiscard]] Offset position(const std::string& topic, const std::string& reader,
                                std::int32_t partition = 0) const;
  [[nodiscard]] std::uint64_t hellos() const { return hellos_.load(); }
  /// Produce requests that came while it was deaf.
  [[nodiscard]] std::uint64_t unheard() const { return unheard_.load(); }

 private:
  struct Producer {
    ProducerEpoch epoch{0};
    Sequence next{0};
    std::map<Sequence, BatchHeader> last;
  };
  struct WaitingFetch {
    Frames path;
    Header header;
    Fetch fetch;
    Micros until{0};
  };
  struct Log {
    std::vector<Batch> batches;
    Offset end{0};
    std::map<ProducerId, Producer> producers;
    std::map<std::string, Offset> positions;
    std::map<std::string, Offset> tokens;
    std::vector<WaitingFetch> waiting;
  };

  void run();
  void serve(Frames frames);
  void serve_known(const Frames& path, const Message& message);
  void send(const Frames& path, const Message& message);
  void answer(const Frames& path, const Header& header, Body body, Frames records = {});
  void refuse(const Frames& path, const Header& header, Errc code);
  void on_produce(const Frames& path, const Message& message, Log& log);
  bool answer_fetch(const WaitingFetch& waiting, const Log& log);
  void on_dequeue(const Frames& path, const Message& message, Log& log);
  [[nodiscard]] MetadataReply metadata(const MetadataRequest& request) const;
  [[nodiscard]] const Log* find(const std::string& topic, std::int32_t partition) const;

  mutable std::mutex mutex_;
  Faults faults_;
  std::map<std::string, TopicMetadata> topics_;
  std::map<PartitionKey, Log> logs_;
  std::map<std::string, bool> clients_;  ///< That have said hello in this life.
  std::int64_t metadata_version_ = 1;
  std::int64_t last_topic_ = 0;
  std::int64_t last_producer_ = 0;
  std::atomic<std::uint64_t> hellos_{0};
  std::atomic<std::uint64_t> unheard_{0};
  std::atomic<bool> stopping_{false};
  std::string endpoint_;
  std::unique_ptr<ZmqTransport> transport_;
  std::thread thread_;
};

}  // namespace pinion
