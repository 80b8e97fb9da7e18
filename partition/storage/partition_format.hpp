// The format of a partition file: its schema, the names in its `meta` table, and its name on disk.
// docs/STORAGE.md explains it; this is the one place in code that says it.
//
//   messages          one row a record
//   batches           one row a batch, as the producer made it: what is needed to make its bytes
//                     again, to find a time, and to recognise it when it is sent twice
//   producers         a snapshot of duplicate detection: what the batches before
//                     meta.snapshot_offset leave to be remembered
//   epochs            which leader epoch begins where
//   consumer_offsets  the positions of readers, deleted ones too
//   meta              identity, the log's start, the high watermark, the clean-shutdown mark
//
// Rows before meta.log_start are dropped already and only wait to be deleted. The log ends behind
// the last batch, or at its start when there is none. Pure text; any thread.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/ports/record_store.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::storage {

inline constexpr std::int64_t schema_version = 1;

/// All of it, to be run on an empty file.
extern const char* const schema_sql;

/// The names in `meta`.
namespace meta {
inline constexpr std::string_view schema_version = "schema_version";
inline constexpr std::string_view cluster_id = "cluster_id";
inline constexpr std::string_view topic_id = "topic_id";
inline constexpr std::string_view topic = "topic";
inline constexpr std::string_view partition = "partition";
inline constexpr std::string_view file_id = "file_id";  ///< Random; made with the file.
inline constexpr std::string_view created_at = "created_at";
inline constexpr std::string_view log_start = "log_start";
inline constexpr std::string_view high_watermark = "high_watermark";
/// Log time of the last record ever, for a log that retention or a truncation has emptied.
inline constexpr std::string_view last_log_time = "last_log_time";
/// `producers` holds what the batches before this offset leave to be remembered.
inline constexpr std::string_view snapshot_offset = "snapshot_offset";
/// Payload bytes of the batches from the log's start to snapshot_offset.
inline constexpr std::string_view snapshot_bytes = "snapshot_bytes";
/// 1: closed in order, and nothing was written since.
inline constexpr std::string_view clean = "clean";
}  // namespace meta

/// A topic's name as a folder's: as it is, but for names that mean something else there.
[[nodiscard]] std::string escape_topic(std::string_view topic);

/// "orders-0.db"
[[nodiscard]] std::string file_name_of(const LogIdentity& identity);

/// What `producers.batches` holds: "[[base_sequence,record_count,base_offset,append_time],...]".
[[nodiscard]] std::string encode_remembered(const std::vector<ProducerState::Remembered>& batches);
/// `file_corrupt` for anything that encode_remembered does not write.
[[nodiscard]] Result<std::vector<ProducerState::Remembered>> decode_remembered(
    std::string_view text);

/// One more batch enters what is remembered of its producer.
void remember(ProducerState& state, const BatchHeader& batch);

}  // namespace pinion::storage
