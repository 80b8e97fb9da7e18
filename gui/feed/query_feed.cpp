#include "gui/feed/query_feed.hpp"

#include "gui/model/exporting.hpp"
#include "gui/model/words.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace pinion::gui {
namespace {

constexpr Micros query_timeout = 15s;
constexpr std::size_t rows_per_turn = 2'000;
constexpr std::size_t bytes_per_turn = 4UL * 1024 * 1024;

/// Each partition answers for itself: of several, every row says whose it is.
void name_partition(std::int32_t partition, QueryReply& reply) {
  constexpr std::string_view title = "partition";
  if (std::find(reply.columns.begin(), reply.columns.end(), title) != reply.columns.end()) return;
  reply.columns.insert(reply.columns.begin(), std::string(title));
  for (auto& row : reply.rows) row.insert(row.begin(), SqlValue{std::int64_t{partition}});
}

}  // namespace

void QueryFeed::run(const RunQuery& command, std::optional<std::int32_t> partitions) {
  const std::uint64_t number = shown_.number + 1;
  shown_ = {};
  shown_.number = number;
  shown_.topic = command.topic;
  shown_.partition = command.partition;
  shown_.sql = command.sql;
  shown_.running = true;
  rows_max_ = command.rows_max;
  begun_ = context_->now.monotonic;
  if (!context_->client) return end(fail(Errc::connection_lost, "there is no broker to ask"));
  if (!command.partition && !partitions) {
    return end(fail(Errc::unknown_topic, "topic '" + command.topic + "' is not known here"));
  }
  const std::int32_t first = command.partition.value_or(0);
  last_ = command.partition ? first : *partitions - 1;
  shown_.partitions_asked = last_ - first + 1;
  ask(first);
}

void QueryFeed::ask(std::int32_t partition) {
  view_.reset();
  context_->dirty = true;
  const std::uint64_t number = shown_.number;
  const auto left =
      static_cast<std::uint32_t>(rows_max_ - std::min<std::size_t>(rows_max_, shown_.rows.size()));
  if (left == 0) {
    shown_.truncated = true;
    return end({});
  }
  context_->calls->query(
      {shown_.topic, PartitionIndex(partition)}, shown_.sql, left, query_timeout,
      context_->on_feed<QueryReply>([this, number, partition](Result<QueryReply>&& reply) {
        if (number == shown_.number && shown_.running) on_answer(partition, std::move(reply));
      }));
}

void QueryFeed::on_answer(std::int32_t partition, Result<QueryReply>&& reply) {
  if (!reply) return end(reply.error());
  if (shown_.partitions_asked > 1) name_partition(partition, *reply);
  if (shown_.columns.empty()) shown_.columns = std::move(reply->columns);
  shown_.truncated = shown_.truncated || reply->truncated;
  std::move(reply->rows.begin(), reply->rows.end(), std::back_inserter(shown_.rows));
  ++shown_.partitions_done;
  shown_.took = context_->now.monotonic - begun_;
  if (partition >= last_) return end({});
  ask(partition + 1);
}

void QueryFeed::cancel() {
  if (shown_.running) end(fail(Errc::cancelled, "Cancelled; the partition may still be at it."));
}

void QueryFeed::end(Error error) {
  shown_.running = false;
  shown_.error = std::move(error);
  shown_.took = context_->now.monotonic - begun_;
  view_.reset();
  context_->dirty = true;
}

std::shared_ptr<const QueryView> QueryFeed::view() {
  if (!view_) view_ = std::make_shared<const QueryView>(shown_);
  return view_;
}

// ---- Export

std::size_t ExportFeed::count() const {
  if (rows_->query) return rows_->query->rows.size();
  return rows_->numbers.empty() ? rows_->records.size() : rows_->numbers.size();
}

void ExportFeed::begin(ExportRows command) {
  context_->dirty = true;
  if (result_.running) return;  // The view does not offer a second one meanwhile.
  ++result_.number;
  rows_ = std::move(command);
  path_ = rows_->path;
  at_ = 0;
  left_out_ = 0;
  result_.running = true;
  result_.wants_attention = false;
  const auto replaces = rows_->replaces ? FreshFile::Replaces::yes : FreshFile::Replaces::no;
  auto file = FreshFile::open(path_, replaces);
  if (!file) return end(false, file.error().detail + ".");
  std::error_code error;
  if (!rows_->replaces && std::filesystem::exists(path_, error)) {
    return end_taken("There is a file " + path_ + " already.");
  }
  result_.text = "Writing " + path_ + "\u2026";
  file_.emplace(std::move(*file));
  if (rows_->format == ExportFormat::csv) {
    write(rows_->query ? csv_titles(rows_->query->columns) : csv_titles());
  }
}

ExportFeed::~ExportFeed() {
  if (putting_.joinable()) putting_.join();
}

void ExportFeed::on_tick() {
  if (putting_.joinable()) {
    if (put_done_.load()) end_put();
    return;
  }
  if (!rows_) return;
  const std::size_t end_at = std::min(count(), at_ + rows_per_turn);
  std::size_t bytes = 0;
  for (; rows_ && at_ < end_at && bytes < bytes_per_turn; ++at_) bytes += write_row(at_);
  if (rows_ && at_ >= count()) begin_put();
}

/// A disk may need minutes for it, in which this thread has readers and producers to serve.
void ExportFeed::begin_put() {
  rows_.reset();
  put_done_.store(false);
  putting_ = std::thread([this, inbox = context_->inbox] {
    put_ = file_->put(FreshFile::Durable::yes);
    put_done_.store(true);
    static_cast<void>(inbox->try_push([] {}));  // The turn that it makes looks for it.
  });
}

void ExportFeed::end_put() {
  putting_.join();
  const Result<bool> put = std::move(*put_);
  put_.reset();
  if (!put) return end(false, put.error().detail + ".");
  if (!*put) {
    return end_taken("There is a file " + path_ +
                     " by now: it came while this was written, and was left as it is.");
  }
  std::string text = "Wrote " + counted(at_ - left_out_, "row", "rows") + " to " + path_ + ".";
  if (left_out_ > 0) text += " " + counted(left_out_, "was", "were") + " no longer in view.";
  end(true, std::move(text));
}

void ExportFeed::write(std::string_view text) {
  if (const auto written = file_->write(text); !written) end(false, written.error().detail + ".");
}

/// How many bytes it was.
std::size_t ExportFeed::write_row(std::size_t index) {
  const bool csv = rows_->format == ExportFormat::csv;
  std::string line;
  if (rows_->query) {
    const auto& row = rows_->query->rows[index];
    line = csv ? csv_line_of(row) : json_line_of(rows_->query->columns, row);
  } else {
    const std::uint64_t number =
        rows_->numbers.empty() ? rows_->records.first() + index : rows_->numbers[index];
    const RecordRow* row = rows_->records.find(number);
    if (row == nullptr) {
      ++left_out_;
      return 0;
    }
    line = csv ? csv_line_of(*row) : json_line_of(*row);
  }
  write(line);
  return line.size();
}

void ExportFeed::end(bool ok, std::string text) {
  file_.reset();
  rows_.reset();
  result_.running = false;
  result_.ok = ok;
  result_.text = std::move(text);
  context_->dirty = true;
}

/// Whether it may be replaced is asked.
void ExportFeed::end_taken(std::string text) {
  end(false, std::move(text));
  result_.wants_attention = true;
}

}  // namespace pinion::gui
