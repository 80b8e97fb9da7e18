// Every limit on what the brokers and the client library take, hold and do for others, with the
// arithmetic behind it. Configuration may lower one marked (config), within the ceiling given;
// nothing raises one past its ceiling. Sizes are in bytes. What a program shows to a person (rows
// of a table, a history) is bounded where it is shown.
#pragma once

#include "common/base/time.hpp"

#include <cstddef>
#include <cstdint>

namespace pinion::limits {

inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;

// ---- Names
// ----------------------------------------------------------------------------------------
/// A file name is at most 255 bytes; the escaped topic name, "-", a partition and ".db-wal" must
/// fit.
inline constexpr std::size_t topic_name_bytes_max = 200;
/// A reader's name with its prefix ("consumer:...").
inline constexpr std::size_t reader_name_bytes_max = 256;
inline constexpr std::size_t request_token_bytes_max = 128;  ///< A dequeue's request id.
inline constexpr std::size_t client_name_bytes_max = 256;
inline constexpr std::size_t address_bytes_max = 256;
inline constexpr std::size_t error_detail_bytes_max = 1024;
inline constexpr std::size_t path_bytes_max = 4 * kib;
inline constexpr std::size_t features_max = 64;  ///< That a peer announces.
inline constexpr std::size_t config_file_bytes_max = 1 * mib;

// ---- Records and batches
// --------------------------------------------------------------------------
inline constexpr std::size_t record_bytes_default = 1 * mib;  ///< (config, up to the ceiling)
inline constexpr std::size_t record_bytes_ceiling = 64 * mib;
inline constexpr std::size_t record_overhead_bytes = 20;    ///< See record_batch.hpp.
inline constexpr std::size_t headers_bytes_max = 64 * kib;  ///< A record's headers, as JSON text.
/// One batch is one frame: at most one record of the ceiling's size, or many small ones.
inline constexpr std::size_t batch_bytes_ceiling = record_bytes_ceiling + record_overhead_bytes;
/// What the producer fills a batch to. 256 KiB is 2,000 records of 100 bytes: at 1 M records/s a
/// batch every 2 ms, so the fixed costs of a message (about 20 us over all processes) stay near 1
/// %.
inline constexpr std::size_t batch_bytes_default = 256 * kib;
inline constexpr std::uint32_t batch_records_max = 16'384;
/// Batches of one producer and partition on their way at once: what the duplicate check remembers.
inline constexpr std::size_t producer_inflight_max = 5;
inline constexpr std::size_t producer_batches_remembered = 5;

// ---- Messages
// -------------------------------------------------------------------------------------
inline constexpr std::size_t header_bytes_max = 256;
inline constexpr std::size_t body_bytes_max =
    8 * mib;  ///< 10,000 partitions x 400 bytes of status, doubled.
inline constexpr std::size_t routing_frames_max = 3;
inline constexpr std::size_t routing_frame_bytes_max =
    255;  ///< libzmq's own limit for a routing id.
/// The return frame that the broker pushes in front of a request holds a routing id and its counts.
inline constexpr std::size_t path_frame_bytes_max = routing_frame_bytes_max + 65;
inline constexpr std::size_t records_frames_max = 512;
inline constexpr std::size_t message_frames_max = routing_frames_max + 3 + records_frames_max;
inline constexpr std::size_t frame_bytes_max = batch_bytes_ceiling;
/// All frames of one message: the largest batch, or a fetch's worth of them, and the largest body.
inline constexpr std::size_t message_bytes_max = frame_bytes_max + body_bytes_max + 1 * mib;
inline constexpr std::size_t unpack_depth_max = 8;
inline constexpr std::size_t list_items_max = 131'072;  ///< Elements of any one array in a body.
/// Elements of all arrays of one body. A decoded one takes some 40 bytes (a text, a value of a
/// result row) and may have come as a single byte: 80 MiB at the very most from 8 MiB of input.
inline constexpr std::size_t body_items_max = 2'097'152;
inline constexpr std::size_t assignments_per_message_max = 256;
/// The longest a request may live anywhere: clients' deadlines are cut to it, and in-flight
/// counters older than it are forgotten.
inline constexpr Micros request_lifetime_max = 60s;
inline constexpr Micros fetch_wait_max = 30s;

// ---- Credit
// ---------------------------------------------------------------------------------------
/// Requests of one client on their way. 5 batches x 1,000 partitions would be 5,000; beyond, wait.
inline constexpr std::uint32_t client_requests_inflight_max = 8'192;
inline constexpr std::size_t client_bytes_inflight_max =
    64 * mib + 1 * mib;  ///< One largest record must pass.
/// Towards one node. Bounds a partition broker's inbox: it stays far under 512 MiB whatever comes.
inline constexpr std::uint32_t node_requests_inflight_max = 65'536;
inline constexpr std::size_t node_bytes_inflight_max = 128 * mib;
/// Messages that a ROUTER holds for one client that reads slowly; beyond, answers are dropped and
/// counted.
inline constexpr int client_send_queue_messages = 1'000;
/// What one client has been sent and may not have read: beyond the first its requests are
/// throttled, beyond the second answers to it are dropped. One that reads stands at three of its
/// pings' bytes and what is on the wire. With a smaller memory fuse a quarter of that.
inline constexpr std::size_t client_unread_asking_bytes_max = 48 * mib;
inline constexpr std::size_t client_unread_bytes_max = 64 * mib;
/// A cluster that starts has its partition brokers within seconds: a topic that asks for more of
/// them waits so long.
inline constexpr Micros client_no_nodes_patience = 5s;
/// A client that has received so much says so at once, not with its next heartbeat.
inline constexpr std::size_t client_ping_every_bytes = 8 * mib;
/// What a queued message costs beside its bytes: four frames of 64 bytes, and what holds them.
inline constexpr std::size_t message_cost_bytes = 512;
inline constexpr std::size_t clients_max = 20'000;
inline constexpr Micros client_expires_after = 60s;  ///< Without a word.
/// The memory at which the broker closes and rebinds its client socket (an unfinished multipart
/// message is bounded by nothing else). (config)
inline constexpr std::size_t memory_fuse_default = 400 * mib;

// ---- Fetching
// -------------------------------------------------------------------------------------
inline constexpr std::size_t fetch_bytes_default = 1 * mib;
inline constexpr std::size_t fetch_bytes_max =
    8 * mib;  ///< A first batch beyond it is still sent whole.
inline constexpr std::size_t waiting_fetches_per_partition_max = 4'096;
inline constexpr std::size_t tail_bytes_per_node =
    64 * mib;  ///< Recent batches kept for readers at the end.

// ---- Clients
// --------------------------------------------------------------------------------------
inline constexpr std::size_t client_sessions_max = 4'096;  ///< Producers and consumers of a client.
inline constexpr std::size_t client_calls_max = 16'384;    ///< Admin calls that wait for answers.
inline constexpr std::size_t client_topics_max = 10'000;
inline constexpr std::size_t client_commands_max = 65'536;  ///< Waiting for the I/O thread.
inline constexpr Micros client_hello_timeout = 1s;
inline constexpr Micros client_reconnect_min = 50ms;  ///< Doubles, with jitter, up to
inline constexpr Micros client_reconnect_max = 2s;
/// Heartbeats without a word from the broker until its connection is given up: 3 s by default.
inline constexpr int client_quiet_heartbeats = 6;
/// An unanswered request is sent again after this: two node_lost_after, so that it seldom
/// happens to one that is only slow.
inline constexpr Micros client_attempt_timeout = 3s;
/// When a batch was refused because the one before it has not arrived, that one is waited for this
/// much longer.
inline constexpr Micros client_lost_after_gap = 20ms;
inline constexpr Micros client_retry_min = 5ms;  ///< Doubles, with jitter, up to
inline constexpr Micros client_retry_max = 500ms;
inline constexpr Micros client_metadata_retry_min = 20ms;
inline constexpr Micros client_metadata_retry_max = 1s;
inline constexpr Micros delivery_timeout_max = 10min;  ///< Under producer_kept_at_least.
/// Batches of a partition on their way that may be small; more only when they are worth a message.
inline constexpr std::size_t producer_small_inflight_max = 2;
inline constexpr std::size_t producer_sizeable_bytes = 32 * kib;
inline constexpr std::uint32_t producer_ids_per_request = 1;
inline constexpr Micros consumer_fetch_wait = 5s;
/// When more partitions want to fetch than the buffer has room for, a waiting fetch gives way soon.
inline constexpr Micros consumer_fetch_wait_crowded = 200ms;
inline constexpr std::size_t consumer_fetch_bytes_min = 16 * kib;
inline constexpr std::size_t consumer_fetch_bytes_default = 4 * mib;
inline constexpr std::size_t consumer_buffer_bytes_default = 16 * mib;
inline constexpr int consumer_corrupt_fetches_max = 5;  ///< Then it is told to the reader.
/// Kept of a client's credit for small requests, so that fetches and pings pass beside batches.
inline constexpr std::size_t client_small_request_bytes = 8 * kib;
inline constexpr std::size_t client_credit_reserve_bytes = 64 * kib;

/// Buffers of a producer that are kept for the next batches.
inline constexpr std::size_t producer_buffers_kept_max = 16;

// ---- Stores
// ---------------------------------------------------------------------------------------
/// One commit takes at most this much, so that a waiting producer sees its ack within some 10 ms.
inline constexpr std::size_t commit_bytes_max = 8 * mib;
inline constexpr std::size_t commit_tickets_max = 4'096;
/// A checkpoint is due when so many bytes of records wait to be moved into the file, or when the
/// write-ahead log has grown by so much: small commits write the same pages again and again, and
/// what a checkpoint costs is by page, 2 to 9 ms in which the file's commits wait.
inline constexpr std::size_t checkpoint_record_bytes = 4 * mib;
inline constexpr std::size_t checkpoint_wal_bytes = 32 * mib;
/// Of partition files that are made from now on. A commit of one record writes some three pages;
/// 1,000-byte records fill seven eighths of one. Measured: docs/PERFORMANCE.md.
inline constexpr std::size_t partition_page_bytes = 8 * kib;
inline constexpr std::int64_t retention_rows_per_commit = 1'000;
inline constexpr Micros file_idle_close = 60s;
/// Connections that one reader thread keeps; each has up to three descriptors.
inline constexpr std::size_t readers_kept_per_thread_max = 64;
inline constexpr Micros high_watermark_write_after = 1s;
inline constexpr std::size_t store_threads_default =
    4;  ///< (config) More than cores: they wait in fsync.
inline constexpr std::size_t reader_threads_default = 2;  ///< (config)
inline constexpr std::size_t reserve_file_bytes = 4 * mib;
inline constexpr std::size_t low_space_bytes_default =
    64 * mib;  ///< (config) Free space below which writes stop.

// ---- A partition broker's work in flight
// --------------------------------------------------------
/// Batches on their way to the files. 16 MiB is two largest commits: one being written, one being
/// collected. Beyond, `throttled`. A single larger batch enters when nothing else waits.
inline constexpr std::size_t pending_bytes_per_partition_max = 16 * mib;
inline constexpr std::size_t pending_bytes_per_node_max = 48 * mib;
inline constexpr std::size_t pending_tickets_per_partition_max = 2 * 4'096;
inline constexpr std::size_t pending_tickets_per_node_max = 65'536;
/// What a batch or request costs beside its payload, for the sums above and the tail's.
inline constexpr std::size_t batch_cost_bytes = 512;
/// Reads at the reader threads, by the bytes they may return; others wait in the core.
inline constexpr std::size_t reads_inflight_bytes_max = 64 * mib;
inline constexpr std::size_t reads_inflight_max = 256;
inline constexpr std::size_t reads_waiting_per_partition_max = 1'024;
/// What is read for a reader that goes through the log before it asks: for so many readers of a
/// partition, in so many bytes of a node, and forgotten when nobody asks.
inline constexpr std::size_t reads_ahead_per_partition_max = 4;
inline constexpr std::size_t reads_ahead_bytes_max = 32 * mib;
inline constexpr Micros read_ahead_kept = 2s;
inline constexpr std::size_t queries_inflight_max = 32;
inline constexpr std::size_t requests_open_per_node_max = 2 * 65'536;
inline constexpr std::size_t dequeues_waiting_per_reader_max = 256;
/// A reader's position keeps its newest dequeues by their tokens: 8 x about 40 bytes, which are
/// written with each move.
inline constexpr std::size_t dequeue_tokens_remembered = 8;
/// Beside them the newest dequeue of each taker has a row of its own, a slot: about 600 bytes in
/// memory. So many are kept however old they are, of all readers of a partition together.
inline constexpr std::size_t dequeue_slots_kept = 1'024;
/// And any that is younger than this: nginx repeats within 15 s (configs/nginx.conf), and the
/// gateway that gets it asks for its answer_within_ms, 10 s.
inline constexpr Micros dequeue_repeated_within = 30s;
/// 40 MiB: 2,184 dequeues a second, each by another taker. Beyond, `throttled`.
inline constexpr std::size_t dequeue_slots_max = 65'536;
/// Of one reader: others are never refused because of one whose takers are always new.
inline constexpr std::size_t dequeue_slots_per_reader_max = dequeue_slots_max / 2;
static_assert(dequeue_slots_kept <= dequeue_slots_per_reader_max);
/// Of one client: what others of a reader wait behind is no more than a commit or two.
inline constexpr std::size_t dequeues_inflight_per_reader = 32;
static_assert(dequeues_inflight_per_reader < dequeue_slots_kept);
/// Statuses a heartbeat carries: 256 x about 400 bytes is 100 KiB.
inline constexpr std::size_t statuses_per_heartbeat_max = 256;
inline constexpr std::size_t readers_per_status_max = 64;
inline constexpr Micros status_every = 1s;  ///< Of one partition whose numbers keep changing.
inline constexpr Micros storage_probe_every = 1s;
inline constexpr Micros storage_probe_every_max = 8s;
inline constexpr Micros open_retry_every = 5s;
inline constexpr Micros retention_check_min = 1s;
inline constexpr Micros retention_check_max = 1h;
inline constexpr Micros register_backoff_min = 100ms;
inline constexpr Micros register_backoff_max = 1s;
inline constexpr Micros register_answer_within = 1s;
/// A node that waits for the broker asks again within this, however long it has waited.
inline constexpr Micros register_again_within = register_backoff_max + register_answer_within;

// ---- Replication
// ----------------------------------------------------------------------------------
/// What a follower asks for at once. With one fetch under way a partition, 1 MiB a round trip of
/// some milliseconds is more than a disk writes.
inline constexpr std::size_t replica_fetch_bytes = 1 * mib;
/// Of the table of positions a follower is sent so much at once, the rest with its next fetches.
inline constexpr std::size_t replica_positions_bytes = 1 * mib;
/// A fetch waits this long at the leader's end; so this is how stale a quiet follower may be, and
/// what an idle cluster works for: each follower asks this often.
inline constexpr Micros replica_fetch_wait = 1'250ms;
/// Without an answer for this long after that a fetch is sent again.
inline constexpr Micros replica_answer_within = 1s;
inline constexpr Micros replica_retry_min = 20ms;  ///< After a refusal; doubles, with jitter, up to
inline constexpr Micros replica_retry_max = 500ms;
/// A member of the in-sync set that was not at the leader's end for so long is proposed to leave.
/// Twice the time after which a dead node is lost: those are removed by the controller.
inline constexpr Micros replica_lag_max = 3s;
inline constexpr Micros isr_propose_again = 1s;
/// A follower hears of a higher high watermark with the next records, or after this.
inline constexpr Micros high_watermark_tell_after = 5ms;
/// Batches that wait for followers: 65,536 headers of 64 bytes are 4 MiB. Beyond, `throttled`.
inline constexpr std::size_t uncommitted_batches_max = 65'536;
/// Without a word for this long a node's connection to another one is made anew.
inline constexpr Micros peer_quiet_after = 2s;
/// The first of a partition's replicas gets leadership back this long after it is in sync again.
inline constexpr Micros leader_return_after = 5s;

// ---- State a partition keeps
// ----------------------------------------------------------------------
inline constexpr std::size_t producers_per_partition_max = 10'000;
inline constexpr Micros producer_expires_after = 24h;
/// A full table forgets nobody who was seen within this: a client's retries end sooner.
inline constexpr Micros producer_kept_at_least = 15min;
inline constexpr Micros producer_expiry_every = 1h;
inline constexpr std::size_t readers_per_partition_max = 10'000;

// ---- Cluster
// --------------------------------------------------------------------------------------
inline constexpr std::size_t nodes_max = 256;
/// Starts of a broker that its broker.db remembers: a node that was away for longer is believed.
inline constexpr std::int64_t terms_kept = 4096;
inline constexpr std::size_t topics_max = 10'000;
inline constexpr std::int32_t partitions_per_topic_max = 10'000;
inline constexpr std::size_t partitions_max = 50'000;
/// With a name of 256 bytes one costs 272 for the name, 96 for its row, at most 72 for its number:
/// 440 x 131,072 is 55 MiB, which a broker holds for ever and again after each start.
inline constexpr std::size_t registrations_max = 131'072;
inline constexpr Micros heartbeat_every_default = 500ms;
inline constexpr Micros node_lost_after_default = 1500ms;

/// Decisions on their way to the metadata store; beyond, requests are throttled. A commit takes
/// about 0.2 ms and all that wait, so this is some milliseconds of registrations.
inline constexpr std::size_t meta_writes_pending_max = 4'096;
/// One transaction takes at most this many decisions.
inline constexpr std::size_t meta_writes_per_commit_max = 1'024;
/// The controller bounds what is on its way; twice that is never full.
inline constexpr std::size_t meta_writes_queued_max = 2 * meta_writes_pending_max;
/// Topics and partitions in one push; beyond, the clients are told to ask.
inline constexpr std::size_t push_topics_max = 256;
inline constexpr std::size_t push_partitions_max = 4'096;
/// Rows of broker.db that one refresh writes at most; the next one goes on from there.
inline constexpr std::size_t refresh_rows_max = 4'096;
/// A status' body stays well under body_bytes_max: what does not fit is left out, readers first.
inline constexpr std::size_t status_bytes_max = body_bytes_max * 3 / 4;
/// A sentence for people; there may be 50,000 of them in one answer.
inline constexpr std::size_t partition_detail_bytes_max = 256;
/// Of each kind, as many as cluster_status shows.
inline constexpr std::size_t registrations_shown_max = 1'000;
/// Partitions that are copied at one time, so that producers feel little of it.
inline constexpr std::size_t moves_at_once = 16;
/// What one rebalance moves at most; asked again, it goes on.
inline constexpr std::size_t moves_of_rebalance_max = 1'000;
/// Assignments that a node keeps until its registration is durable.
inline constexpr std::size_t held_assigns_max = partitions_max / assignments_per_message_max + 64;
/// Requests that wait for the controller, over all clients.
inline constexpr std::size_t controller_waiters_max = 16'384;
/// Producer ids that one decision sets aside; a restart skips the rest.
inline constexpr std::int64_t producer_ids_reserved = 1'024;

// ---- SQL
// ------------------------------------------------------------------------------------------
inline constexpr std::size_t sql_bytes_max = 64 * kib;
inline constexpr std::uint32_t query_rows_default = 10'000;
inline constexpr std::uint32_t query_rows_max = 100'000;
inline constexpr std::size_t query_bytes_max = 4 * mib;
inline constexpr std::size_t sql_pattern_bytes_max = 1'000;  ///< Of LIKE and GLOB.
inline constexpr std::size_t sql_trim_characters_max = 64;   ///< That trim() may remove.
inline constexpr int sql_depth_max = 100;  ///< A chain of ANDs is as deep as it is long.
inline constexpr int sql_union_members_max = 20;
inline constexpr int sql_instructions_max = 5'400;  ///< SQLite doubles: 42 x 2^7 are 5,376.
inline constexpr int sql_columns_max = 64;
inline constexpr int sql_arguments_max = 16;
inline constexpr Micros query_time_max = 10s;
/// What SQLite may allocate for a query; one runs at a time on a node. The parsed form of a JSON
/// text takes up to 16 times the text, and twice that while it grows.
inline constexpr std::size_t query_heap_bytes_max = 128 * mib;

// ---- Loops
// ----------------------------------------------------------------------------------------
inline constexpr std::size_t inbox_batch_max =
    256;  ///< Messages a driver takes before it looks at the clock again.
/// A partition broker's: or so many bytes, before results are looked at again.
inline constexpr std::size_t inbox_batch_bytes_max = 1 * mib;
/// Answers that a node's socket did not take yet; beyond, no more requests are taken from it.
inline constexpr std::size_t node_unsent_max = 4'096;
/// The same to one other node, while the connection to it is being made.
inline constexpr std::size_t node_unsent_to_peer_max = 1'024;

// ---- Log
// ------------------------------------------------------------------------------------------
/// Lines that wait for the writer thread: 4,096 x about 200 bytes is 1 MiB. Beyond, the oldest go.
inline constexpr std::size_t log_queue_lines = 4'096;
/// Of one value in a line: a peer's text must not fill the disk.
inline constexpr std::size_t log_value_bytes_max = 512;

static_assert(producer_inflight_max <= producer_batches_remembered,
              "a retry of anything in flight must be recognised");
static_assert(client_bytes_inflight_max >= batch_bytes_ceiling, "one largest record must pass");
static_assert(node_bytes_inflight_max >= client_bytes_inflight_max);
static_assert(client_unread_asking_bytes_max >= 4 * client_ping_every_bytes,
              "a client that reads as fast as it can is never throttled for what it has not read");
static_assert(4 * client_unread_bytes_max <= memory_fuse_default);
static_assert(fetch_wait_max < request_lifetime_max);
static_assert(consumer_fetch_wait <= fetch_wait_max);
static_assert(consumer_fetch_bytes_default <= fetch_bytes_max);
static_assert(delivery_timeout_max < producer_kept_at_least);
static_assert(producer_small_inflight_max <= producer_inflight_max);
static_assert(query_time_max < request_lifetime_max);
static_assert(2 * replica_fetch_wait < replica_lag_max, "a quiet follower is not a slow one");
static_assert(replica_fetch_wait < peer_quiet_after, "a quiet connection is not a broken one");
static_assert(replica_fetch_bytes <= fetch_bytes_max);
static_assert(batch_bytes_default <= commit_bytes_max);
static_assert(query_bytes_max < body_bytes_max);
static_assert(query_heap_bytes_max >= 16 * query_bytes_max, "a row of a few largest values");
static_assert(query_rows_max <= list_items_max);
static_assert(partitions_max <= list_items_max);
static_assert(pending_bytes_per_partition_max >= 2 * commit_bytes_max);
static_assert(tail_bytes_per_node > pending_bytes_per_node_max,
              "what a commit makes visible is still in memory for the readers that wait for it");
static_assert(reads_inflight_bytes_max >= fetch_bytes_max);
static_assert(reads_ahead_bytes_max >= consumer_fetch_bytes_default);
static_assert(requests_open_per_node_max >= node_requests_inflight_max);

}  // namespace pinion::limits
