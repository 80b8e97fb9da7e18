// The tables of broker.db. Times are microseconds since 1970 UTC; lists are numbers or patterns
// with commas between. A new version adds a step to `meta_migrations`, and never changes an old
// one.
#pragma once

#include <array>
#include <cstdint>

namespace pinion {

/// PRAGMA application_id of a broker.db: "PnBr".
inline constexpr std::int64_t meta_application_id = 0x506e4272;

/// Step n makes schema version n + 1 out of version n; version 0 is an empty file.
inline constexpr std::array<const char*, 5> meta_migrations = {R"sql(
CREATE TABLE meta (               -- cluster_id, controller_epoch, and the next of each number
  name  TEXT PRIMARY KEY,
  value NOT NULL
) WITHOUT ROWID;

CREATE TABLE brokers (            -- partition brokers
  id             INTEGER PRIMARY KEY,
  endpoint       TEXT NOT NULL,   -- where its data socket would be reached
  status         TEXT NOT NULL,   -- alive, lost or stopping; refreshed every few seconds
  last_heartbeat INTEGER NOT NULL,
  region         TEXT NOT NULL,
  rack           TEXT NOT NULL,
  topics         TEXT NOT NULL,   -- patterns it is meant for; empty: all
  store_id       TEXT NOT NULL,   -- of its data folder
  incarnation    INTEGER NOT NULL,
  version        TEXT NOT NULL,
  registered_at  INTEGER NOT NULL,
  labels         TEXT GENERATED ALWAYS AS (json_object('region', region, 'rack', rack)) VIRTUAL
);

CREATE TABLE topics (
  id              INTEGER PRIMARY KEY,
  name            TEXT NOT NULL UNIQUE,
  partitions      INTEGER NOT NULL,
  replication     INTEGER NOT NULL,
  retention_ms    INTEGER NOT NULL,  -- 0: for ever
  retention_bytes INTEGER NOT NULL,  -- a partition; 0: without limit
  created_at      INTEGER NOT NULL
);

CREATE TABLE partitions (
  topic_id  INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  node      INTEGER NOT NULL,     -- its leader
  replicas  TEXT NOT NULL,
  isr       TEXT NOT NULL,
  epoch     INTEGER NOT NULL,
  version   INTEGER NOT NULL,
  opened    INTEGER NOT NULL,     -- 1: a replica was open once, so its file must exist
  log_end   INTEGER NOT NULL,     -- refreshed every few seconds
  size      INTEGER NOT NULL,     -- bytes of the file; refreshed every few seconds
  PRIMARY KEY (topic_id, partition)
) WITHOUT ROWID;

CREATE TABLE producers (          -- registered by number
  id            INTEGER PRIMARY KEY,
  topic_id      INTEGER NOT NULL,
  name          TEXT NOT NULL,    -- empty: by number only
  registered_at INTEGER NOT NULL
);

CREATE TABLE consumers (          -- registered by number
  id            INTEGER PRIMARY KEY,
  topic_id      INTEGER NOT NULL,
  name          TEXT NOT NULL,
  registered_at INTEGER NOT NULL
);

CREATE TABLE deleted_topics (     -- until each node that held a part has reported
  topic_id   INTEGER NOT NULL,
  node       INTEGER NOT NULL,
  name       TEXT NOT NULL,
  deleted_at INTEGER NOT NULL,
  PRIMARY KEY (topic_id, node)
) WITHOUT ROWID;

CREATE VIEW readable AS
  SELECT t.name AS topic, p.partition, p.node, b.status AS node_status,
         strftime('%Y-%m-%d %H:%M:%S', b.last_heartbeat / 1000000, 'unixepoch') AS last_heartbeat,
         p.epoch, p.log_end, p.size
  FROM partitions p
  JOIN topics t ON t.id = p.topic_id
  LEFT JOIN brokers b ON b.id = p.node
  ORDER BY t.name, p.partition;
)sql",
                                                               R"sql(
ALTER TABLE topics ADD COLUMN min_insync_replicas INTEGER NOT NULL DEFAULT 0;  -- 0: the majority
ALTER TABLE topics ADD COLUMN unclean_elections INTEGER NOT NULL DEFAULT 0;
ALTER TABLE brokers ADD COLUMN draining INTEGER NOT NULL DEFAULT 0;
-- Replicas that were open once; those that have all that is committed although they are not in
-- sync; and where the partition is being moved to.
ALTER TABLE partitions ADD COLUMN made TEXT NOT NULL DEFAULT '';
ALTER TABLE partitions ADD COLUMN eligible TEXT NOT NULL DEFAULT '';
ALTER TABLE partitions ADD COLUMN target TEXT NOT NULL DEFAULT '';
UPDATE partitions SET made = CAST(node AS TEXT) WHERE opened = 1;
DROP VIEW readable;
CREATE VIEW readable AS
  SELECT t.name AS topic, p.partition, p.node, b.status AS node_status,
         strftime('%Y-%m-%d %H:%M:%S', b.last_heartbeat / 1000000, 'unixepoch') AS last_heartbeat,
         p.epoch, p.log_end, p.size, p.replicas, p.isr
  FROM partitions p
  JOIN topics t ON t.id = p.topic_id
  LEFT JOIN brokers b ON b.id = p.node
  ORDER BY t.name, p.partition;
)sql",
                                                               R"sql(
-- Of the process that is in its incarnation; two of one incarnation began from copies of a folder.
ALTER TABLE brokers ADD COLUMN start_id INTEGER NOT NULL DEFAULT 0;
)sql",
                                                               R"sql(
-- While a partition is being moved: how many replicas had to be in sync before; else 0.
ALTER TABLE partitions ADD COLUMN min_insync_before INTEGER NOT NULL DEFAULT 0;
)sql",
                                                               R"sql(
-- The join that a node came by: the next one follows on it, or comes from an older copy of its
-- folder. And the terms that this file began: a node that followed another one in one of them says
-- that this file is the older copy.
ALTER TABLE brokers ADD COLUMN last_join INTEGER NOT NULL DEFAULT 0;
CREATE TABLE terms (
  controller_epoch INTEGER PRIMARY KEY,
  start_id         INTEGER NOT NULL
);
)sql"};

}  // namespace pinion
