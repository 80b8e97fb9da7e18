#include "gui/model/record_log.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pinion::gui {
namespace {

/// Chunks smaller than this are joined with what comes next, so that a slow stream does not make a
/// chunk a record. Joining copies at most this many rows (56 KiB) at a time.
constexpr std::size_t chunk_rows_min = 1'024;

}  // namespace

RecordChunkBuilder::RecordChunkBuilder(std::shared_ptr<const std::string> topic)
    : topic_(std::move(topic)) {}

void RecordChunkBuilder::add(const Record& record) {
  RecordRow row;
  row.topic = topic_.get();
  row.offset = record.offset;
  row.timestamp = record.timestamp;
  row.log_time = record.log_time;
  row.partition = record.partition;
  begins_.push_back(memory_.size());
  if (record.key) {
    row.key_size = static_cast<std::uint32_t>(record.key->size());
    memory_ += *record.key;
  }
  if (record.headers) {
    row.headers_size = static_cast<std::uint32_t>(record.headers->size());
    memory_ += *record.headers;
  }
  row.value_size = static_cast<std::uint32_t>(record.value.size());
  memory_ += record.value;
  rows_.push_back(row);
}

RecordChunk RecordChunkBuilder::build() && {
  RecordChunk chunk;
  const Bytes memory(std::move(memory_));
  for (std::size_t i = 0; i < rows_.size(); ++i) rows_[i].body = memory.view().data() + begins_[i];
  chunk.rows = std::move(rows_);
  chunk.bytes = memory.size() + chunk.rows.size() * sizeof(RecordRow);
  chunk.memory.push_back(memory);
  chunk.topics.push_back(topic_);
  return chunk;
}

const RecordRow* LogView::find(std::uint64_t number) const {
  const Run run = run_at(number);
  return run.count == 0 ? nullptr : run.rows;
}

LogView::Run LogView::run_at(std::uint64_t number) const {
  if (number < first_ || number >= end_) return {};
  const auto behind = std::upper_bound(begins_.begin(), begins_.end(), number);
  if (behind == begins_.begin()) return {};
  const auto chunk = static_cast<std::size_t>(std::distance(begins_.begin(), behind)) - 1;
  const std::vector<RecordRow>& rows = chunks_[chunk]->rows;
  const auto index = static_cast<std::size_t>(number - begins_[chunk]);
  if (index >= rows.size()) return {};
  return {rows.data() + index, rows.size() - index};
}

std::uint64_t LogView::next_begin(std::uint64_t number) const {
  const auto behind = std::upper_bound(begins_.begin(), begins_.end(), number);
  return behind == begins_.end() ? end_ : std::min(*behind, end_);
}

void RecordLog::append(RecordChunk&& chunk) {
  if (chunk.rows.empty()) return;
  const std::size_t rows = chunk.rows.size();
  bytes_ += chunk.bytes;
  end_ += rows;
  if (!chunks_.empty() && chunks_.back()->rows.size() + rows <= chunk_rows_min) {
    auto joined = std::make_shared<RecordChunk>(*chunks_.back());
    joined->rows.insert(joined->rows.end(), chunk.rows.begin(), chunk.rows.end());
    std::move(chunk.memory.begin(), chunk.memory.end(), std::back_inserter(joined->memory));
    for (auto& topic : chunk.topics) {
      if (std::find(joined->topics.begin(), joined->topics.end(), topic) == joined->topics.end()) {
        joined->topics.push_back(std::move(topic));
      }
    }
    joined->bytes += chunk.bytes;
    chunks_.back() = std::move(joined);
  } else {
    chunks_.push_back(std::make_shared<const RecordChunk>(std::move(chunk)));
  }
  drop_oldest();
}

/// Whole chunks, and never the newest one: a single chunk over the limits is still shown.
void RecordLog::drop_oldest() {
  while (chunks_.size() > 1 && (end_ - first_ > limits_.rows_max || bytes_ > limits_.bytes_max)) {
    const RecordChunk& oldest = *chunks_.front();
    first_ += oldest.rows.size();
    dropped_ += oldest.rows.size();
    bytes_ -= oldest.bytes;
    chunks_.pop_front();
  }
}

void RecordLog::clear() {
  chunks_.clear();
  first_ = end_;
  dropped_ = 0;
  bytes_ = 0;
}

LogView RecordLog::view() const {
  std::vector<std::uint64_t> begins;
  begins.reserve(chunks_.size());
  std::uint64_t at = first_;
  for (const auto& chunk : chunks_) {
    begins.push_back(at);
    at += chunk->rows.size();
  }
  return {first_, end_, std::move(begins), {chunks_.begin(), chunks_.end()}};
}

}  // namespace pinion::gui
