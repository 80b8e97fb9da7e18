#include "cli/session.hpp"

#include "cli/output.hpp"

namespace pinion::cli {
namespace {

/// What a person can do about it, where the error's own sentence does not say.
std::string advice_for(Errc code, std::string_view topic) {
  switch (code) {
    case Errc::unknown_topic:
      return "; make it with: pinion topic create " + std::string(topic);
    case Errc::connection_lost:
      return "; start a cluster with: pinion up --data DIR, or name another with --broker";
    case Errc::timed_out:
      return "; pinion status shows what is missing";
    case Errc::no_nodes:
      return "; start a partition broker: pinion-partition CONFIG";
    case Errc::topic_exists:
      return "; pinion topic describe " + std::string(topic) + " shows it";
    case Errc::storage_full:
      return "; make room on the node's disk and try again";
    case Errc::unknown_partition:
      return "; pinion topic describe " + std::string(topic) + " lists the partitions";
    case Errc::offset_out_of_range:
      return "; read from what is there with --from earliest (a consumer with a name: and --reset)";
    case Errc::partition_offline:
    case Errc::not_leader:
      return "; start its partition broker, pinion status shows which";
    default:
      return {};
  }
}

}  // namespace

std::unique_ptr<Client> connect(const std::string& broker, std::string_view command) {
  ClientOptions options;
  options.broker = broker;
  options.name = "pinion " + std::string(command);
  Result<std::unique_ptr<Client>> client = Client::connect(std::move(options));
  if (client) return std::move(*client);
  Error error = client.error();
  if (error.code == Errc::invalid_argument) {
    error.detail += "; --broker and PINION_BROKER take tcp://HOST:PORT";
  }
  complain_about(error);
  return nullptr;
}

int complain_about(const Error& error, std::string_view topic) {
  const std::string what = error.detail.empty() ? std::string(text_of(error.code)) : error.detail;
  return complain(what + advice_for(error.code, topic));
}

}  // namespace pinion::cli
