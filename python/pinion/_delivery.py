"""The producer's threads: each takes a batch that may leave, makes one attempt, notes the result.

All state is under ``lock``, which the producer's own calls take too: the outbox, which decides, and
the counters. A worker holds it to take and to note, never while it sends or reports. There are as
many workers as batches have been ready at once, up to ``connections_max``, each with a connection.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Iterable, List, NamedTuple, Optional, Set

from . import _outbox
from ._gateway import Again, Gateway, Gateways, Json, encode, topic_path
from .errors import Fate, PinionError, ProtocolError, UnknownId, UnknownPartition
from .records import Outcome

_log = logging.getLogger("pinion")

_IDLE_WAIT = 3600.0  # Seconds; a worker is woken when there is something to do.


class Counters(NamedTuple):
    """Records of one producer since its start; ``waiting`` is now."""

    sent: int
    acknowledged: int
    failed: int
    unknown: int
    waiting: int
    repeats: int  # Attempts beyond the first, of whole batches.


class Delivery:
    def __init__(
        self,
        gateways: Gateways,
        limits: _outbox.Limits,
        room_cost: int,
        connections_max: int,
        on_delivery: Optional[_outbox.Callback],
    ) -> None:
        self._gateways = gateways
        self._connections_max = connections_max
        self._on_delivery = on_delivery
        self._room_cost = room_cost
        self.outbox = _outbox.Outbox(limits)
        self.lock = threading.Lock()
        self.room = threading.Condition(self.lock)  # The outbox costs no more than room_cost.
        self.progress = threading.Condition(self.lock)  # Something was reported.
        self.ended = threading.Event()  # No more attempts.
        self.sent = 0
        self._work = threading.Condition(self.lock)  # A batch may leave, or it is time to end.
        self._idle = 0  # Workers that wait.
        self._threads: List[threading.Thread] = []
        self._thread_ids: Set[int] = set()
        self._acknowledged = 0
        self._failed = 0
        self._unknown = 0
        self._repeats = 0

    def in_callback(self) -> bool:
        """Whether the caller is a worker, which can only be inside a callback."""
        return threading.get_ident() in self._thread_ids

    def counters(self) -> Counters:
        """Under the lock."""
        done = self._acknowledged + self._failed + self._unknown
        return Counters(
            self.sent,
            self._acknowledged,
            self._failed,
            self._unknown,
            self.sent - done,
            self._repeats,
        )

    def end(self, *, everything_done: bool) -> None:
        """No more attempts; what is left is reported as it stands."""
        with self.lock:
            self.outbox.abandon()
            finished = self._take_finished()
            self.ended.set()
            self._work.notify_all()
        self._report(finished)
        if everything_done:  # Else a worker may be in the middle of an attempt, and ends after it.
            for thread in self._threads:
                thread.join()

    # ---- Workers -------------------------------------------------------------------------------

    def wake_worker(self) -> None:
        """Under the lock: a batch became ready."""
        if self._idle:
            self._work.notify()
        elif len(self._threads) < self._connections_max and not self.ended.is_set():
            name = f"pinion-producer-{len(self._threads) + 1}"
            thread = threading.Thread(target=self._run, name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                if not self._threads:
                    raise  # Nobody is there to do it.
            else:
                self._threads.append(thread)

    def _run(self) -> None:
        self._thread_ids.add(threading.get_ident())
        gateway = Gateway(self._gateways)
        try:
            while self._step(gateway):
                pass
        finally:
            gateway.close()
            self._thread_ids.discard(threading.get_ident())  # Another thread may get it.

    def _step(self, gateway: Gateway) -> bool:
        """Waits for a batch and makes one attempt with it. False: it is time to end."""
        with self.lock:
            now = time.monotonic()
            batch = self.outbox.take(now)
            finished = self._take_finished()
            if batch is None and not finished:
                if self.ended.is_set():
                    return False
                at = self.outbox.next_time()
                self._idle += 1
                self._work.wait(_IDLE_WAIT if at is None else max(0.0, at - now))
                self._idle -= 1
                return True
            self._pass_on()
        self._report(finished)
        if batch is not None:
            self._attempt(gateway, batch)
        return True

    def _pass_on(self) -> None:
        """Under the lock, of a worker that has something to do: others do the rest."""
        if self.outbox.has_ready():
            self.wake_worker()
        elif self._idle and self.outbox.next_time() is not None:
            self._work.notify()  # Somebody must wait for the right time.

    def _attempt(self, gateway: Gateway, batch: _outbox.Batch) -> None:
        outbox = self.outbox
        try:
            if not batch.producer_id:
                self._register_again(gateway, batch)
            offset = _offset_of(self._deliver(gateway, batch))
        except Again as failed:
            with self.lock:
                self._repeats += 1
                delay = batch.back_off.delay(failed)
                outbox.again(batch, str(failed), failed.fate, delay, time.monotonic())
        except PinionError as error:
            self._refused(batch, error)
        except Exception as error:
            _log.exception("a batch could not be sent because of an error in this library")
            self._refused(
                batch, ProtocolError(f"{type(error).__name__}: {error}", fate=Fate.UNKNOWN)
            )
        else:
            with self.lock:
                outbox.acknowledged(batch, offset)
        with self.lock:
            finished = self._take_finished()
        self._report(finished)

    def _deliver(self, gateway: Gateway, batch: _outbox.Batch) -> Json:
        lane = batch.lane
        assert lane is not None
        if batch.body is None or not batch.uncertain:
            batch.body = encode(
                {
                    "producer_id": batch.producer_id,
                    "partition": lane.partition,
                    "sequence": batch.sequence,
                    "records": batch.items,
                }
            )
        path = topic_path(batch.topic.name) + "/records"
        return gateway.attempt("POST", path, batch.body, batch.not_after)

    def _register_again(self, gateway: Gateway, batch: _outbox.Batch) -> None:
        body = encode({"topic": batch.topic.name})
        try:
            answer = gateway.attempt("POST", "/producer/register", body, batch.not_after)
        except Again as failed:
            failed.fate = Fate.DID_NOT_HAPPEN  # Whatever became of the id, the batch was not sent.
            raise
        producer_id, count = registration(answer)
        with self.lock:
            topic = batch.topic
            if count < len(topic.lanes):
                raise UnknownPartition(
                    f"topic '{topic.name}' was made anew with {count} partitions instead of "
                    f"{len(topic.lanes)}; make a new producer"
                )
            if topic.producer_id is None:
                topic.producer_id = producer_id
            self.outbox.number(batch)

    def _refused(self, batch: _outbox.Batch, error: PinionError) -> None:
        with self.lock:
            now = time.monotonic()
            if error.code == "duplicate_sequence" and batch.uncertain:
                # An attempt without an answer had stored it; its place has been forgotten.
                self.outbox.acknowledged(batch, None)
                return
            if isinstance(error, UnknownId):
                self.outbox.register_again(batch.topic, batch.producer_id)
                if not batch.uncertain:
                    self._repeats += 1
                    again = Again(str(error), fate=Fate.DID_NOT_HAPPEN)
                    delay = batch.back_off.delay(again)
                    self.outbox.again(batch, str(error), again.fate, delay, now)
                    return
            self.outbox.refused(batch, error, now)

    # ---- Reporting -----------------------------------------------------------------------------

    def _take_finished(self) -> List[_outbox.Finished]:
        """Under the lock."""
        finished = self.outbox.finished
        if finished:
            self.outbox.finished = []
            if self.outbox.cost <= self._room_cost:
                self.room.notify_all()
        return finished

    def _report(self, finished: List[_outbox.Finished]) -> None:
        """Without the lock: callbacks may call anything that does not wait."""
        if not finished:
            return
        for one in finished:
            if self._on_delivery is not None or one.batch.callbacks:
                self._report_records(one)
            elif one.outcome is not Outcome.ACKNOWLEDGED:
                _log.error(
                    "%d records for %s were not acknowledged (%s): %s",
                    len(one.batch.items),
                    one.batch.topic.name,
                    one.outcome,
                    one.error,
                )
        with self.lock:
            now = time.monotonic()
            for one in finished:
                count = len(one.batch.items)
                if one.outcome is Outcome.ACKNOWLEDGED:
                    self._acknowledged += count
                elif one.outcome is Outcome.FAILED:
                    self._failed += count
                else:
                    self._unknown += count
                self.outbox.release(one, now)
            self.progress.notify_all()

    def _report_records(self, one: _outbox.Finished) -> None:
        common = self._on_delivery
        own = one.batch.callbacks
        places: Iterable[int] = own if common is None else range(len(one.batch.items))
        for place in places:
            report = one.report(place)
            for callback in (own.get(place), common):
                if callback is None:
                    continue
                try:
                    callback(report)
                except Exception:
                    _log.exception("a delivery callback raised an error; the producer goes on")


def registration(answer: Json) -> "tuple[int, int]":
    try:
        return int(answer["producer_id"]), max(1, int(answer.get("num_partitions", 1)))
    except (KeyError, TypeError, ValueError):
        raise ProtocolError(f"a registration was answered without an id: {answer!r:.200}") from None


def _offset_of(answer: Json) -> Optional[int]:
    try:
        offset = answer["offset"]
        return None if offset is None else int(offset)
    except (KeyError, TypeError, ValueError):
        raise ProtocolError(
            f"a batch was answered without an offset: {answer!r:.200}", fate=Fate.UNKNOWN
        ) from None
