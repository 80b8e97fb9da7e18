"""The producer's records until they are answered: which batch leaves next, and what became of it.

Pure: no thread, no socket, no clock; the producer calls it under its lock, with the time. A *lane*
is a partition of a topic. It has at most one batch on its way, so that batches of a partition can
neither overtake each other nor need more than a sequence to be recognised when they are repeated;
meanwhile the next ones fill up. A *pool* holds the records of a topic with several partitions that
were sent without a key: their batches go to whichever lane is free.

    put ──► open ──► full or taken ──► on its way ──► acknowledged
                                        │  ▲    └───► failed | unknown
                                        └──┘ again (same producer id, sequence and records)

A batch may have been stored as soon as one of its attempts ended without an answer (``uncertain``):
from then on its id, sequence and records never change, and only success ends the doubt. A batch
that is given up in doubt keeps its numbers: the lane goes on behind them, so a late arrival of it
is refused, or in its place.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from typing import Callable, Deque, Dict, List, NamedTuple, Optional, Tuple

from ._gateway import BackOff
from .errors import Closed, DeadlineExceeded, Fate, InvalidArgument, PinionError, RecordTooLarge
from .records import DeliveryReport, Item, Outcome

Callback = Callable[[DeliveryReport], None]

# What a record costs in memory beside its bytes: the object, its place in a list.
RECORD_COST = 100


class Limits(NamedTuple):
    batch_records_max: int
    batch_bytes_max: int
    linger: float  # Seconds that an open batch waits for company.
    delivery_timeout: float  # Seconds from the first send of a batch to its report.


class Batch:
    """Records that travel together. The times are those of its first record."""

    __slots__ = (
        "items",
        "callbacks",
        "size",
        "cost",
        "since",
        "not_after",
        "round",
        "topic",
        "lane",
        "producer_id",
        "sequence",
        "uncertain",
        "body",
        "retry_at",
        "last_reason",
        "back_off",
        "settled",
    )

    def __init__(self, topic: "Topic", since: float, not_after: float, round_: int) -> None:
        self.items: List[Item] = []
        self.callbacks: Dict[int, Callback] = {}  # By place in the batch; few records have one.
        self.size = 0
        self.cost = 0
        self.since = since
        self.not_after = not_after
        self.round = round_
        self.topic = topic
        self.lane: Optional[Lane] = None  # Once it has been taken.
        self.producer_id = 0
        self.sequence = 0
        self.uncertain = False
        self.body: Optional[bytes] = None  # As it was sent, while in doubt.
        self.retry_at = 0.0
        self.last_reason = "it was never sent"
        self.back_off = BackOff()
        self.settled = False  # Its fate is decided, and it is among the finished.


class Lane:
    """A partition of a topic, or (``partition`` None) the topic's pool."""

    __slots__ = (
        "topic",
        "partition",
        "batches",
        "on_its_way",
        "queued",
        "blocked",
        "timer_at",
        "producer_id",
        "sequence",
    )

    def __init__(self, topic: "Topic", partition: Optional[int]) -> None:
        self.topic = topic
        self.partition = partition
        self.batches: Deque[Batch] = deque()  # The last one is being filled.
        self.on_its_way: Optional[Batch] = None
        self.queued = False  # In Outbox._ready.
        self.blocked = False  # Something is on its way here; or, of a pool, in all lanes.
        self.timer_at = 0.0
        self.producer_id = 0  # Under which `sequence` counts.
        self.sequence = 0


class Topic:
    def __init__(self, name: str, producer_id: int, partition_count: int) -> None:
        self.name = name
        self.producer_id: Optional[int] = producer_id  # None: it must be registered again.
        self.lanes = [Lane(self, partition) for partition in range(partition_count)]
        # With one partition there is one order, with or without keys.
        self.pool = Lane(self, None) if partition_count > 1 else self.lanes[0]
        self.next_lane = 0

    def free_lane(self) -> Optional[Lane]:
        """In turn, the next lane that has nothing on its way."""
        count = len(self.lanes)
        for step in range(count):
            lane = self.lanes[(self.next_lane + step) % count]
            if lane.on_its_way is None:
                self.next_lane = (self.next_lane + step + 1) % count
                return lane
        return None


class Finished(NamedTuple):
    """A batch whose fate is decided, as far as it can be. It is reported, and then released."""

    batch: Batch
    outcome: Outcome
    base_offset: Optional[int]
    error: Optional[PinionError]
    used_numbers: bool  # The lane goes on behind its sequence numbers.

    @property
    def partition(self) -> Optional[int]:
        return None if self.batch.lane is None else self.batch.lane.partition

    def report(self, index: int) -> DeliveryReport:
        offset = None if self.base_offset is None else self.base_offset + index
        return DeliveryReport(
            self.batch.topic.name,
            self.partition,
            offset,
            self.outcome,
            self.error,
            self.batch.items[index],
        )


class Outbox:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.topics: Dict[str, Topic] = {}
        self.cost = 0  # Bytes of memory of everything that is not finished.
        self.records = 0  # Their number.
        self.finished: List[Finished] = []  # For the producer to take, report and release.
        self._ready: Deque[Lane] = deque()
        self._timers: List[Tuple[float, int, Lane]] = []
        self._timer_numbers = itertools.count()
        self._round = 0
        self._open_by_round: Dict[int, int] = {}  # Batches that are not released, by their round.

    def add_topic(self, name: str, producer_id: int, partition_count: int) -> Topic:
        topic = self.topics[name] = Topic(name, producer_id, partition_count)
        return topic

    # ---- Filling -------------------------------------------------------------------------------

    def put(
        self, lane: Lane, item: Item, size: int, callback: Optional[Callback], now: float
    ) -> bool:
        """Accepts a record. True: a batch may leave, now or at `next_time`, that was not there."""
        limits = self._limits
        batches = lane.batches
        batch = batches[-1] if batches else None
        if batch is None or self._full(batch, size):
            batch = Batch(lane.topic, now, now + limits.delivery_timeout, self._round)
            self._open_by_round[self._round] = self._open_by_round.get(self._round, 0) + 1
            batches.append(batch)
        if callback is not None:
            batch.callbacks[len(batch.items)] = callback
        batch.items.append(item)
        batch.size += size
        batch.cost += size + RECORD_COST
        self.cost += size + RECORD_COST
        self.records += 1
        if lane.queued or lane.blocked:
            return False
        return self._make_ready(lane, now)

    def _full(self, batch: Batch, more: int) -> bool:
        limits = self._limits
        return (
            len(batch.items) >= limits.batch_records_max
            or batch.size + more > limits.batch_bytes_max
        )

    def _make_ready(self, lane: Lane, now: float) -> bool:
        """The lane is not blocked. True when a worker has to know."""
        if lane.queued or not lane.batches:
            return False
        if self._limits.linger > 0 and len(lane.batches) == 1:
            first = lane.batches[0]
            until = first.since + self._limits.linger
            awaited = first.round < self._round  # By a flush.
            if until > now and not awaited and not self._full(first, 1):
                if lane.timer_at == until:
                    return False
                lane.timer_at = until
                self._set_timer(until, lane)
                return True
        lane.queued = True
        self._ready.append(lane)
        return True

    def _set_timer(self, at: float, lane: Lane) -> None:
        heapq.heappush(self._timers, (at, next(self._timer_numbers), lane))

    # ---- Leaving -------------------------------------------------------------------------------

    def take(self, now: float) -> Optional[Batch]:
        """The next batch to send, with its lane, producer id (0: register first) and sequence."""
        self._run_timers(now)
        while self._ready:
            source = self._ready.popleft()
            source.queued = False
            batch = self._next_of(source, now)
            if batch is None:
                continue
            if batch.not_after <= now:
                self.give_up(batch)
                continue
            self.number(batch)
            return batch
        return None

    def has_ready(self) -> bool:
        return bool(self._ready)

    def next_time(self) -> Optional[float]:
        """When `take` may have something that it does not have now."""
        return self._timers[0][0] if self._timers else None

    def _run_timers(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            lane = heapq.heappop(self._timers)[2]
            waiting = lane.on_its_way
            if waiting is None:
                if not lane.blocked:
                    self._make_ready(lane, now)
            elif waiting.retry_at and waiting.retry_at <= now and not lane.queued:
                lane.queued = True
                self._ready.append(lane)

    def _next_of(self, source: Lane, now: float) -> Optional[Batch]:
        if source.partition is not None:
            lane: Optional[Lane] = source
            waiting = source.on_its_way
            if waiting is not None:
                # An attempt before did not succeed; or a batch of the pool took the lane meanwhile.
                due, waiting.retry_at = waiting.retry_at, 0.0
                return waiting if due and not waiting.settled else None
        else:
            lane = source.topic.free_lane()
        if not source.batches:
            return None
        if lane is None:
            source.blocked = True  # Until a lane becomes free.
            return None
        batch = source.batches.popleft()
        batch.lane = lane
        lane.on_its_way = batch
        lane.blocked = True
        if source.partition is None:
            self._make_ready(source, now)
        return batch

    def number(self, batch: Batch) -> None:
        """Gives a batch its producer id and sequence, unless it must keep those that it has."""
        if batch.uncertain:
            return
        lane = batch.lane
        assert lane is not None
        current = batch.topic.producer_id
        if current is not None and lane.producer_id != current:
            lane.producer_id, lane.sequence = current, 0
        batch.producer_id = current or 0
        batch.sequence = lane.sequence

    # ---- Answers -------------------------------------------------------------------------------

    def acknowledged(self, batch: Batch, base_offset: Optional[int]) -> None:
        if not batch.settled:
            self._settle(batch, Outcome.ACKNOWLEDGED, base_offset, None, used_numbers=True)

    def again(self, batch: Batch, reason: str, fate: Fate, delay: float, now: float) -> None:
        """An attempt did not succeed; the batch goes out again after `delay`."""
        if batch.settled:
            return
        batch.last_reason = reason
        if fate is Fate.UNKNOWN:
            batch.uncertain = True
        assert batch.lane is not None
        batch.retry_at = min(now + delay, batch.not_after)
        self._set_timer(batch.retry_at, batch.lane)

    def refused(self, batch: Batch, error: PinionError, now: float) -> None:
        """The cluster will not take the batch; what is at fault in it alone is found by halves."""
        if batch.settled:
            return
        certain = not batch.uncertain and error.fate is not Fate.UNKNOWN
        at_fault = isinstance(error, (RecordTooLarge, InvalidArgument))
        if certain and at_fault and len(batch.items) > 1:
            self._split(batch, now)
            return
        outcome = Outcome.FAILED if certain else Outcome.UNKNOWN
        self._settle(batch, outcome, None, error, used_numbers=not certain)

    def give_up(self, batch: Batch) -> None:
        """Its deadline has come."""
        outcome = Outcome.UNKNOWN if batch.uncertain else Outcome.FAILED
        error = DeadlineExceeded(
            f"not acknowledged within {self._limits.delivery_timeout:g} s ({batch.last_reason}); "
            "see whether the cluster and its partitions are up, or raise delivery_timeout",
            fate=Fate.UNKNOWN if batch.uncertain else Fate.DID_NOT_HAPPEN,
            retriable=True,
        )
        self._settle(batch, outcome, None, error, used_numbers=batch.uncertain)

    def register_again(self, topic: Topic, producer_id: int) -> None:
        """The cluster does not know this producer id any more."""
        if topic.producer_id == producer_id:
            topic.producer_id = None

    def release(self, finished: Finished, now: float) -> None:
        """It has been reported, and the lane may go on: so reports come in the order of the log."""
        batch = finished.batch
        self._leave_round(batch)
        lane = batch.lane
        if lane is None or lane.on_its_way is not batch:
            return
        if finished.used_numbers and lane.producer_id == batch.producer_id:
            lane.sequence = batch.sequence + len(batch.items)
        self._free(lane, now)

    def abandon(self) -> None:
        """Everything that is left is finished: the producer was told not to wait any longer."""
        for topic in self.topics.values():
            for lane in (*topic.lanes, topic.pool):
                waiting = lane.on_its_way
                if waiting is not None and not waiting.settled:
                    # Unless it is between two attempts, one is being made right now.
                    self._abandon(waiting, waiting.uncertain or not waiting.retry_at)
                while lane.batches:
                    self._abandon(lane.batches.popleft(), False)
                lane.queued = False
        self._ready.clear()
        self._timers.clear()

    def _abandon(self, batch: Batch, doubt: bool) -> None:
        fate = Fate.UNKNOWN if doubt else Fate.DID_NOT_HAPPEN
        error = Closed("the producer was stopped before the record was acknowledged", fate=fate)
        outcome = Outcome.UNKNOWN if doubt else Outcome.FAILED
        self._settle(batch, outcome, None, error, used_numbers=doubt)

    def _split(self, batch: Batch, now: float) -> None:
        lane = batch.lane
        assert lane is not None
        middle = len(batch.items) // 2
        halves = []
        for first, last in ((0, middle), (middle, len(batch.items))):
            half = Batch(batch.topic, batch.since, batch.not_after, batch.round)
            half.items = batch.items[first:last]
            half.callbacks = {
                index - first: callback
                for index, callback in batch.callbacks.items()
                if first <= index < last
            }
            # Full, whatever its size: nothing is added to it.
            half.size = self._limits.batch_bytes_max
            half.cost = batch.cost * len(half.items) // len(batch.items)
            halves.append(half)
            self._open_by_round[batch.round] += 1
        halves[1].cost = batch.cost - halves[0].cost
        lane.batches.extendleft(reversed(halves))
        self._leave_round(batch)
        batch.settled = True
        self._free(lane, now)

    def _settle(
        self,
        batch: Batch,
        outcome: Outcome,
        base_offset: Optional[int],
        error: Optional[PinionError],
        *,
        used_numbers: bool,
    ) -> None:
        batch.settled = True
        self.cost -= batch.cost
        self.records -= len(batch.items)
        self.finished.append(Finished(batch, outcome, base_offset, error, used_numbers))

    def _leave_round(self, batch: Batch) -> None:
        left = self._open_by_round[batch.round] - 1
        if left:
            self._open_by_round[batch.round] = left
        else:
            del self._open_by_round[batch.round]

    def _free(self, lane: Lane, now: float) -> None:
        lane.on_its_way = None
        pool = lane.topic.pool
        lane.blocked = pool.blocked = False
        self._make_ready(lane, now)
        if pool is not lane:
            self._make_ready(pool, now)

    # ---- Waiting for the end --------------------------------------------------------------------

    def begin_flush(self) -> int:
        """Sends what lingers; the number to ask `flushed` with."""
        this_round = self._round
        self._round += 1
        for topic in self.topics.values():
            for lane in (*topic.lanes, topic.pool):
                if lane.batches and not lane.queued and not lane.blocked:
                    lane.queued = True
                    self._ready.append(lane)
        return this_round

    def flushed(self, round_: int) -> bool:
        """Everything that was accepted before that `begin_flush` is reported."""
        return all(other > round_ for other in self._open_by_round)
