// Size, and a consumer's positions. A partition that cannot be asked is answered for by the last
// figures known: this gateway's own, and what the leader broker heard of it last.
#include "gateway/cluster/cluster.hpp"
#include "gateway/core/answers.hpp"

#include <algorithm>
#include <utility>

namespace pinion::gateway {
namespace {

/// Size is to be answered also when a broker has just died and nobody has noticed yet.
constexpr Micros measure_within = 2s;
/// 100,000 x about 100 bytes. Beyond, they are gathered anew.
constexpr std::size_t last_figures_max = 100'000;

std::string reader_of(RegistrationId consumer) { return "id:" + std::to_string(consumer.raw()); }

}  // namespace

/// A consumer's figures in several partitions, while they come in.
struct Cluster::Measuring {
  Topic topic;
  RegistrationId consumer;
  std::vector<PartitionIndex> partitions;
  std::vector<Figures> figures;
  bool is_partial = false;
  std::optional<Error> error;  ///< Why a partition could not be asked.
  std::mutex mutex;
  std::size_t left = 0;
  std::function<void(const Measuring&)> then;
};

void Cluster::measure(const Topic& topic, RegistrationId consumer, MaybePartition partition,
                      std::function<void(const Measuring&)> then) {
  const auto measuring = std::make_shared<Measuring>();
  measuring->topic = topic;
  measuring->consumer = consumer;
  measuring->then = std::move(then);
  for (const PartitionMetadata& one : topic->partitions) {
    if (!partition || *partition == one.partition) measuring->partitions.push_back(one.partition);
  }
  const std::size_t count = measuring->partitions.size();
  measuring->figures.resize(count);
  measuring->left = count;
  for (std::size_t i = 0; i < count; ++i) {
    const PartitionIndex index = measuring->partitions[i];
    const PartitionState state = topic->partitions[static_cast<std::size_t>(index.raw())].state;
    if (state == PartitionState::offline || state == PartitionState::halted) {
      on_asked(measuring, i,
               failure(Errc::partition_offline, "partition " + std::to_string(index.raw()) +
                                                    " of topic '" + topic->name +
                                                    "' has no leader at the moment"));
      continue;
    }
    calls_.fetch_position({topic->name, index}, reader_of(consumer), {},
                          std::min(measure_within, options_.answer_within),
                          [this, measuring, i](Result<FetchPositionReply> reply) {
                            on_asked(measuring, i, std::move(reply));
                          });
  }
}

void Cluster::on_asked(const std::shared_ptr<Measuring>& measuring, std::size_t index,
                       Result<FetchPositionReply> reply) {
  {
    const std::lock_guard lock(measuring->mutex);
    if (reply) {
      const Offset position = std::max(reply->offset, reply->log_start);
      measuring->figures[index] = {position, reply->high_watermark, true};
    } else {
      measuring->is_partial = true;
      measuring->error = reply.error();
    }
    if (--measuring->left > 0) return;
  }
  remember(*measuring);
  if (!measuring->is_partial) return measuring->then(*measuring);
  fill_from_status(measuring);
}

/// Keeps what is known now, and fills in what was known before.
void Cluster::remember(const Measuring& measuring) {
  const std::lock_guard lock(mutex_);
  if (last_figures_.size() > last_figures_max) last_figures_.clear();
  for (std::size_t i = 0; i < measuring.partitions.size(); ++i) {
    if (!measuring.figures[i].is_known) continue;
    last_figures_[{measuring.topic->id, measuring.partitions[i], measuring.consumer}] =
        measuring.figures[i];
  }
}

void Cluster::note_end(TopicId topic, PartitionIndex partition, Offset end) {
  const std::lock_guard lock(mutex_);
  if (last_ends_.size() > last_figures_max) last_ends_.clear();
  Offset& known = last_ends_[{topic, partition}];
  known = std::max(known, end);
}

void Cluster::note_position(TopicId topic, PartitionIndex partition, RegistrationId consumer,
                            Offset next) {
  const std::lock_guard lock(mutex_);
  const auto known = last_figures_.find({topic, partition, consumer});
  if (known == last_figures_.end()) return;  // Size was never asked for it.
  known->second.position = std::max(known->second.position, next);
  known->second.high_watermark = std::max(known->second.high_watermark, next);
}

void Cluster::fill_from_status(const std::shared_ptr<Measuring>& measuring) {
  calls_.cluster_status(
      std::min(measure_within, options_.answer_within), Admin::Partitions::yes,
      [this, measuring](Result<ClusterStatusReply> status) {
        const std::string reader = reader_of(measuring->consumer);
        for (std::size_t i = 0; i < measuring->partitions.size(); ++i) {
          Figures& figures = measuring->figures[i];
          if (figures.is_known) continue;
          {
            const std::lock_guard lock(mutex_);
            const auto last = last_figures_.find(
                {measuring->topic->id, measuring->partitions[i], measuring->consumer});
            if (last != last_figures_.end()) figures = last->second;
            const auto end = last_ends_.find({measuring->topic->id, measuring->partitions[i]});
            if (end != last_ends_.end()) {
              figures.high_watermark = std::max(figures.high_watermark, end->second);
            }
          }
          if (!status) continue;
          for (const PartitionStatus& one : status->partitions) {
            if (one.topic != measuring->topic->id) continue;
            if (one.partition != measuring->partitions[i]) continue;
            if (one.high_watermark < Offset{0}) continue;  // No leader has told yet.
            figures.is_known = true;
            figures.high_watermark = std::max(figures.high_watermark, one.high_watermark);
            figures.position = std::max(figures.position, one.log_start);
            for (const ReaderStatus& known : one.readers) {
              if (known.reader == reader) {
                figures.position = std::max(figures.position, known.position);
              }
            }
          }
        }
        measuring->then(*measuring);
      });
}

void Cluster::on(SizeCommand& command, Respond respond) {
  const RegistrationId consumer = command.consumer;
  with_client(ClientKind::consumer, command.topic, consumer, command.partition, respond,
              [this, consumer, respond](const Topic& topic, MaybePartition partition) {
                measure(topic, consumer, partition, [respond](const Measuring& measuring) {
                  std::int64_t size = 0;
                  bool anything_known = false;
                  for (const Figures& figures : measuring.figures) {
                    anything_known |= figures.is_known;
                    size += std::max<std::int64_t>(0, figures.high_watermark - figures.position);
                  }
                  if (!anything_known && measuring.error) {
                    return respond(failed(*measuring.error, measuring.topic->name));
                  }
                  JsonObject object = success();
                  object.add("size", size);
                  if (measuring.is_partial) object.add("partial", true);
                  respond(answer(std::move(object)));
                });
              });
}

void Cluster::on(ListPositionsCommand& command, Respond respond) {
  const RegistrationId consumer = command.consumer;
  with_client(
      ClientKind::consumer, command.topic, consumer, std::nullopt, respond,
      [this, consumer, respond](const Topic& topic, MaybePartition partition) {
        measure(topic, consumer, partition, [respond](const Measuring& measuring) {
          JsonArray positions;
          for (std::size_t i = 0; i < measuring.partitions.size(); ++i) {
            const Figures& figures = measuring.figures[i];
            if (!figures.is_known) {
              return respond(failed(*measuring.error, measuring.topic->name));
            }
            const std::int64_t unread = figures.high_watermark - figures.position;
            positions.add_json(JsonObject()
                                   .add("partition_id", std::int64_t{measuring.partitions[i].raw()})
                                   .add("offset", figures.position.raw())
                                   .add("high_watermark", figures.high_watermark.raw())
                                   .add("unread", std::max<std::int64_t>(0, unread))
                                   .take());
          }
          JsonObject object = success();
          object.add_json("positions", positions.take());
          if (measuring.is_partial) object.add("partial", true);
          respond(answer(std::move(object)));
        });
      });
}

void Cluster::on(MovePositionCommand& command, Respond respond) {
  with_client(ClientKind::consumer, command.topic, command.consumer, command.partition, respond,
              [this, command, respond](const Topic& topic, MaybePartition partition) {
                calls_.commit_position({topic->name, *partition}, reader_of(command.consumer),
                                       command.offset, epoch_unknown, options_.answer_within,
                                       [respond, name = topic->name](Result<void> moved) {
                                         if (!moved) return respond(failed(moved.error(), name));
                                         respond(answer(success()));
                                       });
              });
}

}  // namespace pinion::gateway
