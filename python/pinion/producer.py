"""Producer: sends records in batches, in the background, and tells what became of each.

    with Producer(topics=["orders"], broker="localhost:8080") as producer:
        producer.send("orders", "3 apples", key="ann")

What is promised:

- *acknowledged*: the record is in the log, durably, once; *failed*: it is not and never will be;
  *unknown*: one of the two, its deadline came first. Each record gets one of the three.
- A lost connection, a restarted gateway or a restarted cluster neither loses nor duplicates nor
  reorders: batches are repeated under the same producer id and sequence until they are answered.
- Records of one partition are in the log in the order of their sends. The same key goes to the same
  partition, always. Records without a key are spread over the partitions, batch by batch.
- Memory is bounded by ``buffer_bytes_max``; a full buffer makes ``send`` wait.

Any thread may call anything; two sends that race have no order. Callbacks run on the producer's
threads: they must be quick, and a send of theirs does not wait for room.
"""

from __future__ import annotations

import ssl
import threading
import time
from types import TracebackType
from typing import Iterable, List, Optional, Type

from . import _outbox
from ._address import DEFAULT_BROKER, Broker
from ._delivery import Counters, Delivery, registration
from ._gateway import UNREACHABLE_AFTER, Gateway, Gateways
from ._keys import partition_of_key
from ._process import OfThisProcess
from .errors import BufferFull, Closed, DeadlineExceeded, Fate, InvalidArgument
from .records import DeliveryReport, Headers, Text, encode_item, encode_value

BATCH_RECORDS_CEILING = 16_384  # What a gateway takes in one batch.


class Producer(OfThisProcess):
    """See the module's text. All times are in seconds, all sizes in bytes.

    topics: registered at once, and created if they do not exist; others are on first use.
    broker: ``host:port`` or ``http(s)://host:port`` of a gateway, or several (a list, or with
        commas between): another one is used when one cannot be reached.
    on_delivery: called with a DeliveryReport for every record. Without any callback, what is not
        acknowledged is logged as an error (logger ``pinion``).
    delivery_timeout: from the send to the report, at the latest.
    linger: how long an open batch waits for company. With 0 a lone record leaves at once, and under
        load batches fill by themselves while others are on their way.
    buffer_bytes_max: memory for records that are not answered yet, about 100 bytes each included.
    block_timeout: how long ``send`` waits for room, and for a topic's registration; for that no
        longer than 10 s when no gateway takes a connection.
    connections: batches of different partitions that are on their way at once.
    """

    def __init__(
        self,
        topics: Iterable[str] = (),
        broker: Broker = DEFAULT_BROKER,
        *,
        on_delivery: Optional[_outbox.Callback] = None,
        delivery_timeout: float = 30.0,
        linger: float = 0.0,
        batch_records_max: int = 2000,
        batch_bytes_max: int = 256 * 1024,
        buffer_bytes_max: int = 32 * 1024 * 1024,
        block_timeout: float = 60.0,
        connections: int = 4,
        tls: Optional[ssl.SSLContext] = None,
    ) -> None:
        names = topic_names(topics)
        _check("delivery_timeout", delivery_timeout, 0.001, 600)
        _check("linger", linger, 0, 60)
        _check("batch_records_max", batch_records_max, 1, BATCH_RECORDS_CEILING)
        _check("batch_bytes_max", batch_bytes_max, 1, 64 * 1024 * 1024)
        _check("buffer_bytes_max", buffer_bytes_max, 1024, 1 << 40)
        _check("block_timeout", block_timeout, 0, 86_400)
        _check("connections", connections, 1, 64)
        self._gateways = Gateways(broker, tls)
        self._buffer_bytes_max = buffer_bytes_max
        self._block_timeout = block_timeout
        self._delivery = Delivery(
            self._gateways,
            _outbox.Limits(int(batch_records_max), int(batch_bytes_max), linger, delivery_timeout),
            buffer_bytes_max // 2,
            int(connections),
            on_delivery,
        )
        self._outbox = self._delivery.outbox
        self._lock = self._delivery.lock
        self._stopped = False  # No more sends.
        self._registering = threading.Lock()
        self._registrar = Gateway(self._gateways)
        try:
            for name in names:
                self._register(name)
        except BaseException:
            self._registrar.close()
            raise
        super().__init__()

    # ---- Sending -------------------------------------------------------------------------------

    def send(
        self,
        topic: str,
        message: Text,
        *,
        key: Optional[Text] = None,
        headers: Optional[Headers] = None,
        partition: Optional[int] = None,
        timestamp: Optional[int] = None,
        on_delivery: Optional[_outbox.Callback] = None,
    ) -> None:
        """Accepts a record; what becomes of it is in its DeliveryReport.

        Returns at once, but waits while the buffer is full (then BufferFull after block_timeout)
        and for a topic's registration at its first use. An error means that nothing was accepted
        and that no report will come. ``timestamp`` is in microseconds since 1970.
        """
        if key is None and headers is None and timestamp is None:
            item, size = encode_value(message)
        else:
            item, size = encode_item(message, key, headers, timestamp)
        if self._forked:
            self._check_process()
        known = self._outbox.topics.get(topic)
        if known is None:
            known = self._register(topic)
        if partition is not None:
            lane = _lane_of(known, partition)
        elif key is not None:
            raw = key.encode("utf-8") if isinstance(key, str) else bytes(key)
            lane = known.lanes[partition_of_key(raw, len(known.lanes))]
        else:
            lane = known.pool
        with self._lock:
            if self._stopped:
                raise Closed("the producer was stopped; make a new one to send more")
            if self._outbox.cost >= self._buffer_bytes_max:
                self._wait_for_room(self._block_timeout)
            self._delivery.sent += 1
            if self._outbox.put(lane, item, size, on_delivery, time.monotonic()):
                self._delivery.wake_worker()

    def send_and_wait(
        self,
        topic: str,
        message: Text,
        *,
        key: Optional[Text] = None,
        headers: Optional[Headers] = None,
        partition: Optional[int] = None,
        timestamp: Optional[int] = None,
    ) -> DeliveryReport:
        """Sends one record and returns its report once it is acknowledged; raises why it is not.

        The error's ``fate`` says whether the record may be in the log all the same. Not from
        inside a callback.
        """
        self._not_in_callback("send_and_wait")
        reports: List[DeliveryReport] = []
        there = threading.Event()

        def take(report: DeliveryReport) -> None:
            reports.append(report)
            there.set()

        self.send(
            topic,
            message,
            key=key,
            headers=headers,
            partition=partition,
            timestamp=timestamp,
            on_delivery=take,
        )
        there.wait()
        error = reports[0].error
        if error is not None:
            raise error
        return reports[0]

    def can_send(self) -> bool:
        """Whether to go on: ``while producer.can_send(): producer.send(...)``.

        False once the producer is stopped. While the buffer is full it waits for room, and is False
        when none came for block_timeout: the cluster takes nothing any more.
        """
        if self._forked:
            return False
        with self._lock:
            if not self._stopped and self._outbox.cost >= self._buffer_bytes_max:
                try:
                    self._wait_for_room(self._block_timeout)
                except (BufferFull, Closed):
                    return False
            return not self._stopped

    def _wait_for_room(self, timeout: float) -> None:
        """Under the lock. Returns when half the buffer is empty, not at the first byte."""
        if self._delivery.in_callback():
            raise self._full("a callback does not wait for room")
        until = time.monotonic() + timeout
        while not self._stopped and self._outbox.cost > self._buffer_bytes_max // 2:
            left = until - time.monotonic()
            if left <= 0:
                if self._outbox.cost < self._buffer_bytes_max:
                    return
                raise self._full(f"no room within {timeout:g} s")
            self._delivery.room.wait(left)
        if self._stopped:
            raise Closed("the producer was stopped while this send waited for room")

    def _full(self, why: str) -> BufferFull:
        return BufferFull(
            f"{self._outbox.records} records wait to be acknowledged and fill the buffer of "
            f"{self._buffer_bytes_max} bytes; {why}. Send more slowly, see whether the cluster is "
            "up, or raise buffer_bytes_max or block_timeout",
            retriable=True,
        )

    # ---- Registering ---------------------------------------------------------------------------

    def _register(self, name: str) -> _outbox.Topic:
        """On the caller's thread, the first time that a topic is used."""
        topic_names([name])
        if self._stopped:
            raise Closed("the producer was stopped; make a new one to send more")
        if self._delivery.in_callback():
            raise InvalidArgument(
                f"a callback cannot wait for the registration of a new topic: name {name!r} in "
                "the producer's topics"
            )
        with self._registering:
            known = self._outbox.topics.get(name)
            if known is not None:
                return known
            answer = self._registrar.call(
                "POST",
                "/producer/register",
                {"topic": name},
                deadline=time.monotonic() + self._block_timeout,
                stopped=self._delivery.ended,
                unreachable_after=UNREACHABLE_AFTER,
            )
            producer_id, count = registration(answer)
            with self._lock:
                return self._outbox.add_topic(name, producer_id, count)

    # ---- Ending --------------------------------------------------------------------------------

    def flush(self, timeout: Optional[float] = None) -> None:
        """Waits until all that was accepted before is reported. Not from inside a callback.

        Raises DeadlineExceeded after ``timeout``; the rest stays on its way. Without one it ends by
        the records' own delivery timeouts.
        """
        self._check_process()
        self._not_in_callback("flush")
        until = None if timeout is None else time.monotonic() + timeout
        with self._lock:
            round_ = self._outbox.begin_flush()
            if self._outbox.has_ready():
                self._delivery.wake_worker()
            while not self._outbox.flushed(round_):
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    raise DeadlineExceeded(
                        f"{self._outbox.records} records are still on their way after "
                        f"{timeout:g} s; they stay so",
                        fate=Fate.UNKNOWN,
                        retriable=True,
                    )
                self._delivery.progress.wait(left)

    def stop(self, timeout: Optional[float] = None) -> Counters:
        """Takes no more records, and waits until every one is delivered or has expired.

        With a ``timeout``, what is not answered by then is reported at once: failed when it never
        left, else unknown. Returns what became of all records. May be called again. Not from inside
        a callback.
        """
        if self._forked:
            return self._delivery.counters()
        self._not_in_callback("stop")
        with self._lock:
            self._stopped = True
            self._delivery.room.notify_all()
        everything = False
        try:
            self.flush(timeout)
            everything = True
        except DeadlineExceeded:
            pass
        finally:
            # Also when the wait was interrupted, by Ctrl-C for one.
            self._delivery.end(everything_done=everything)
            self._was_stopped()
        with self._registering:
            self._registrar.close()
        return self.counters()

    def counters(self) -> Counters:
        """What has become of the records so far."""
        with self._lock:
            return self._delivery.counters()

    def _not_in_callback(self, what: str) -> None:
        if self._delivery.in_callback():
            raise InvalidArgument(f"{what}() waits for callbacks, and so cannot be called in one")

    def __enter__(self) -> "Producer":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.stop()


def topic_names(topics: Iterable[str]) -> List[str]:
    """The names, each once; a single string is one name, not a list of letters."""
    try:
        names = [topics] if isinstance(topics, str) else list(topics)
    except TypeError:
        raise InvalidArgument(f"topics is a list of names, not {topics!r}") from None
    for name in names:
        if not isinstance(name, str) or not name:
            raise InvalidArgument(f"a topic's name is text that is not empty, not {name!r}")
    return list(dict.fromkeys(names))


def _lane_of(topic: _outbox.Topic, partition: int) -> _outbox.Lane:
    if isinstance(partition, bool) or not isinstance(partition, int):
        raise InvalidArgument(f"partition is a number from 0, not {partition!r}")
    if not 0 <= partition < len(topic.lanes):
        raise InvalidArgument(
            f"topic '{topic.name}' has no partition {partition}, only 0 to {len(topic.lanes) - 1}"
        )
    return topic.lanes[partition]


def _check(name: str, value: float, least: float, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidArgument(f"{name} is a number, not {value!r}")
    if not least <= value <= most:
        raise InvalidArgument(f"{name} is {value:g}; it must be from {least:g} to {most:g}")
