#include "cli/ask_partition.hpp"

#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/session.hpp"

namespace pinion::cli {

PartitionAsker::PartitionAsker(Client& client, std::string topic)
    : client_(&client), topic_(std::move(topic)) {
  client_->calls().find_topic(topic_, answer_timeout, [](const Result<Calls::Topic>&) {});
}

void PartitionAsker::look(std::optional<PartitionIndex> only) {
  const Calls::Topic known = client_->calls().known_topic(topic_);
  if (known) unserved_.note(*known, only, monotonic_now());
}

Result<void> PartitionAsker::check(PartitionIndex partition) {
  if (interrupted()) return failure(Errc::cancelled, "interrupted");
  const ConnectionStatus status = client_->status();
  if (!status.connected && status.away_for >= unserved_patience) {
    return failure(Errc::connection_lost, status.problem);
  }
  look();
  if (unserved_.unserved_for(partition, monotonic_now()) < unserved_patience) return {};
  return failure(unserved_.why(partition));
}

Error PartitionAsker::explain(PartitionIndex partition, const Error& error) {
  if (error.code == Errc::connection_lost || error.code == Errc::cancelled) return error;
  look();
  if (Error why = unserved_.why(partition); why.code != Errc::ok) return why;
  return fail(error.code,
              "partition " + std::to_string(partition.raw()) + " does not answer: " +
                  (error.detail.empty() ? std::string(text_of(error.code)) : error.detail));
}

}  // namespace pinion::cli
