"""Consumer: reads topics, every message once and in the order of its partition.

    with Consumer(topics=["orders"], broker="localhost:8080") as consumer:
        for message in consumer.get_next():
            print(message.topic, message.partition, message.offset, message.message)

A consumer has a registered id for each topic, and the cluster keeps how far each id has come. A new
id starts at the oldest message; ``consumer_ids`` of an earlier consumer go on where that stopped.
There are two ways of reading:

- **Alone** (the default): nobody else reads under these ids. Messages are read ahead, hundreds at a
  time, and an id is moved on behind what was handled: every ``commit_interval``, when everything
  has been read, and by ``stop``. A message counts as handled when the next one is asked for. A
  program that crashes and goes on with the same ids sees the last ones again, and skips none.
- **Shared** (``shared=True``): any number of programs take from the same ids, and each message goes
  to one of them. The cluster moves the id on as it hands a message out, one by one; a lost answer
  is asked for again under the same request id, and is the same message.

Any thread may call anything, one at a time for reading; ``stop`` from another one ends the loop.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
import uuid
from types import TracebackType
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Type
from urllib.parse import urlencode

from ._address import DEFAULT_BROKER, Broker
from ._gateway import UNREACHABLE_AFTER, Again, BackOff, Gateway, Gateways, Json, encode
from ._gateway import topic_path
from ._process import OfThisProcess
from ._reading import Place, Reading, Source, TopicSources
from .errors import Closed, InvalidArgument, NothingUnread, OffsetOutOfRange
from .errors import PinionError, ProtocolError, UnknownId, UnknownPartition, UnknownTopic
from .producer import topic_names
from .records import Message

_log = logging.getLogger("pinion")

_SLICE = 0.25  # Seconds after which a waiting reader looks whether the consumer was stopped.
_TURN = 0.001  # Seconds for other threads' calls, after each slice that brought nothing.
_PUMP_EVERY = 0.01  # Seconds between two looks for answers while there are messages to hand out.
_IDLE_COMMIT_EVERY = 0.01  # Seconds between commits of a consumer that has read everything.
_TROUBLE_TOLD_AFTER = 5.0  # Seconds without an answer after which a waiting reader says why.
_EMPTY_WAIT_MIN = 0.005  # Seconds before an empty topic is asked again by a shared consumer;
_EMPTY_WAIT_MAX = 0.25  # doubles up to this.


class _Subscription:
    """A topic as this consumer reads it."""

    def __init__(self, name: str, consumer_id: int) -> None:
        self.name = name
        self.consumer_id = consumer_id
        self.sources = TopicSources(name)
        self.handled: Dict[int, int] = {}  # By partition: the offset behind what was handled,
        self.committed: Dict[int, int] = {}  # and what the cluster knows of it.
        # When shared:
        self.request_id = ""  # Of a dequeue that has no answer yet.
        self.ask_at = 0.0
        self.reason = ""  # Why the last attempt failed.
        self.empty_wait = _EMPTY_WAIT_MIN
        self.back_off = BackOff()


class Consumer(OfThisProcess):
    """See the module's text. All times are in seconds.

    topics: must exist; others are subscribed to on their first use in ``get_next(topic)``.
    broker: ``host:port`` or ``http(s)://host:port`` of a gateway, or several.
    consumer_ids: by topic, ids to go on with (``consumer_ids`` of an earlier consumer); topics
        that it does not name are registered.
    shared: see above.
    commit_interval: None: only ``commit`` and ``stop`` move the ids on.
    on_lost_position: what to do when retention has deleted messages that were not read:
        ``"error"`` (OffsetOutOfRange; ``seek`` to go on), ``"earliest"`` or ``"latest"``.
    records_max: how many are read ahead of one partition at once; about 1 MiB at most.
    timeout: how long the calls that are no reading wait for the cluster; the constructor and
        ``size`` say after 10 s that no gateway takes a connection at all.
    """

    def __init__(
        self,
        topics: Iterable[str] = (),
        broker: Broker = DEFAULT_BROKER,
        *,
        consumer_ids: Optional[Mapping[str, int]] = None,
        shared: bool = False,
        commit_interval: Optional[float] = 1.0,
        on_lost_position: str = "error",
        records_max: int = 2000,
        timeout: float = 60.0,
        tls: Optional[ssl.SSLContext] = None,
    ) -> None:
        if on_lost_position not in ("error", "earliest", "latest"):
            raise InvalidArgument(
                "on_lost_position is 'error', 'earliest' or 'latest', not " + repr(on_lost_position)
            )
        if not isinstance(records_max, int) or not 1 <= records_max <= 10_000:
            raise InvalidArgument(f"records_max is from 1 to 10000, not {records_max!r}")
        given = dict(consumer_ids or {})
        self._gateways = Gateways(broker, tls)
        self._gateway = Gateway(self._gateways)
        self._given = given
        self._shared = shared
        self._commit_interval = commit_interval
        self._committed_at = time.monotonic()
        self._trouble_since: Optional[float] = None
        self._trouble_told = False
        self._dirty = False  # Something was handled that the cluster does not know of.
        self._on_lost_position = on_lost_position
        self._timeout = timeout
        self._reading = Reading(self._gateways, records_max)
        self._pumped_at = 0.0
        self._subscriptions: Dict[str, _Subscription] = {}
        self._turn: List[_Subscription] = []  # Of a shared consumer; the next one first.
        self._request_name = uuid.uuid4().hex
        self._requests = 0
        self._out: Dict[Tuple[str, int], int] = {}  # Handed out, and not known to be handled.
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        try:
            for name in topic_names([*topic_names(topics), *given]):
                self._subscribe(name)
        except BaseException:
            self._reading.close()
            self._gateway.close()
            raise
        super().__init__()

    @property
    def consumer_ids(self) -> Dict[str, int]:
        """The registered ids by topic: give them to another consumer to go on where this is."""
        return {name: one.consumer_id for name, one in self._subscriptions.items()}

    # ---- Reading -------------------------------------------------------------------------------

    def get_next(
        self, topic: Optional[str] = None, timeout: Optional[float] = None
    ) -> Iterator[Message]:
        """Messages of all topics in turn, or of one; waits for new ones.

        Ends after ``timeout`` seconds without a message, or when the consumer is stopped. Lost
        connections and restarts of the cluster are waited through. May be left and called again.
        """
        while True:
            message = self._next(topic, timeout)
            if message is None:
                return
            yield message

    def poll(
        self, records_max: int = 1000, timeout: float = 1.0, topic: Optional[str] = None
    ) -> List[Message]:
        """Up to ``records_max`` messages: waits for the first, and takes what is there besides.

        Empty when none came within ``timeout``, or when the consumer was stopped. They count as
        handled when the consumer is asked for more, or is stopped.
        """
        if records_max < 1:
            raise InvalidArgument(f"records_max is at least 1, not {records_max!r}")
        messages: List[Message] = []
        message = self._next(topic, timeout)
        with self._lock:
            while message is not None:
                messages.append(message)
                if len(messages) == records_max or self._stopped.is_set():
                    break
                message = self._try_next(None if topic is None else self._subscription(topic))
        return messages

    def _next(self, topic: Optional[str], timeout: Optional[float]) -> Optional[Message]:
        """None: the time is over, or the consumer was stopped."""
        self._check_process()
        until = 0.0
        while True:
            with self._lock:
                if self._stopped.is_set():
                    return None
                only = None if topic is None else self._subscription(topic)
                self._all_handled()
                message = self._try_next(only)
                if message is not None:
                    return message
                now = time.monotonic()
                wait = _SLICE
                if timeout is not None:
                    until = until or now + timeout
                    wait = min(wait, until - now)
                if self._commits_by_itself():
                    # Everything has been read: a good time, but not after every single message.
                    due_in = self._committed_at + _IDLE_COMMIT_EVERY - now
                    if due_in <= 0 or wait <= 0:
                        self._try_commit(now)
                    else:
                        wait = min(wait, due_in)
                self._tell_trouble(now)
                if timeout is not None and now >= until:
                    return None
                self._wait(only, wait)
                message = self._try_next(only)
                if message is not None:
                    return message
            # A lock is not fair: without a moment in which nobody wants it, whoever else waits for
            # it could wait for slice after slice.
            time.sleep(_TURN)

    def _try_next(self, only: Optional[_Subscription]) -> Optional[Message]:
        if self._shared:
            message = self._dequeue_any(only)
        else:
            now = time.monotonic()
            if now - self._pumped_at >= _PUMP_EVERY:
                due = self._committed_at + (self._commit_interval or 0.0)
                if now >= due and self._commits_by_itself():
                    self._try_commit(now)
                self._pump(0.0)
            sources = None if only is None else only.sources
            message = self._reading.next(sources)
            if message is None:
                self._pump(0.0)
                message = self._reading.next(sources)
                if message is None:
                    self._raise_errors(only)
        if message is not None:
            self._out[message.topic, message.partition] = message.offset + 1
        return message

    def _wait(self, only: Optional[_Subscription], seconds: float) -> None:
        if not self._shared:
            self._pump(seconds)
            return
        asked = self._turn if only is None else [only]
        at = min((one.ask_at for one in asked), default=0.0)
        self._stopped.wait(max(0.0, min(seconds, at - time.monotonic())) if asked else seconds)

    def _tell_trouble(self, now: float) -> None:
        """Who waits for ever should not have to guess why nothing comes."""
        reason = self._reading.trouble()
        if self._shared:
            reason = next((one.reason for one in self._turn if one.reason), "")
        if not reason:
            self._trouble_since = None
            self._trouble_told = False
        elif self._trouble_since is None:
            self._trouble_since = now
        elif now - self._trouble_since >= _TROUBLE_TOLD_AFTER and not self._trouble_told:
            self._trouble_told = True
            _log.warning("reading waits for the cluster, and goes on when it answers: %s", reason)

    def _pump(self, wait: float) -> None:
        self._reading.pump(wait)
        self._pumped_at = time.monotonic()

    def _raise_errors(self, only: Optional[_Subscription]) -> None:
        for one in self._subscriptions.values() if only is None else (only,):
            for source in one.sources.sources:
                if source.error is not None:
                    self._settle(one, source, source.error)

    def _settle(self, one: _Subscription, source: Source, error: PinionError) -> None:
        """What reading a partition was refused with: it goes on elsewhere, or the caller knows."""
        if isinstance(error, OffsetOutOfRange) and self._on_lost_position != "error":
            _log.warning(
                "%s/%d: %s; going on at the %s message",
                one.name,
                source.partition,
                error,
                self._on_lost_position,
            )
            self._reading.seek(source, self._on_lost_position)
            return
        # Told once; then it is asked again, should the reader come back.
        source.error = None
        source.retry_at = time.monotonic() + 1.0
        if isinstance(error, OffsetOutOfRange):
            raise OffsetOutOfRange(
                f"{one.name}/{source.partition} at {source.place}: {error}; "
                "seek(topic, partition, 'earliest') goes on with what is there",
                code=error.code,
            )
        raise error

    # ---- Shared reading ------------------------------------------------------------------------

    def _dequeue_any(self, only: Optional[_Subscription]) -> Optional[Message]:
        for one in list(self._turn) if only is None else [only]:
            if one.ask_at > time.monotonic():
                continue
            message = self._dequeue(one)
            if message is not None:
                self._turn.remove(one)  # To the end of the line.
                self._turn.append(one)
                return message
        return None

    def _dequeue(self, one: _Subscription) -> Optional[Message]:
        """One attempt. A request id is kept until a message has come under it, whatever happens."""
        if not one.request_id:
            self._requests += 1
            one.request_id = f"{self._request_name}-{self._requests}"
        query = urlencode(
            {"topic": one.name, "consumer_id": one.consumer_id, "request_id": one.request_id}
        )
        until = time.monotonic() + self._timeout
        try:
            answer = self._gateway.attempt("GET", "/consumer/consume?" + query, None, until)
        except NothingUnread:
            one.reason = ""
            one.back_off = BackOff()
            one.ask_at = time.monotonic() + one.empty_wait
            one.empty_wait = min(one.empty_wait * 2, _EMPTY_WAIT_MAX)
            return None
        except Again as failed:
            one.reason = str(failed)
            one.ask_at = time.monotonic() + one.back_off.delay(failed)
            return None
        message = _dequeued(one.name, answer)
        one.request_id = ""
        one.reason = ""
        one.back_off = BackOff()
        one.empty_wait = _EMPTY_WAIT_MIN
        return message

    # ---- Positions -----------------------------------------------------------------------------

    def commit(self) -> None:
        """Moves the ids on behind everything that was handed out, durably. Waits.

        By a shared consumer it has been done already.
        """
        with self._lock:
            self._all_handled()
            self._commit(time.monotonic() + self._timeout)

    def seek(self, topic: str, partition: int, place: Place) -> None:
        """Goes on at an offset, or at ``"earliest"`` or ``"latest"``. Not when shared."""
        with self._lock:
            if self._shared:
                raise InvalidArgument("a shared consumer reads on where its id is: no seek")
            if isinstance(place, bool) or not (
                place in ("earliest", "latest") or (isinstance(place, int) and place >= 0)
            ):
                raise InvalidArgument(
                    f"place is an offset from 0, 'earliest' or 'latest', not {place!r}"
                )
            one = self._subscription(topic)
            for source in one.sources.sources:
                if source.partition == partition:
                    self._out.pop((topic, partition), None)
                    self._reading.seek(source, place)
                    return
            partitions = [source.partition for source in one.sources.sources]
            raise UnknownPartition(f"topic '{topic}' has no partition {partition}: {partitions}")

    def size(self, topic: Optional[str] = None) -> int:
        """Messages that the cluster counts as unread, of one topic or all."""
        with self._lock:
            some = [self._subscription(topic)] if topic else list(self._subscriptions.values())
            return sum(
                int(
                    self._gateway.call(
                        "GET",
                        "/size",
                        {"topic": one.name, "consumer_id": one.consumer_id},
                        deadline=time.monotonic() + self._timeout,
                        unreachable_after=UNREACHABLE_AFTER,
                    )["size"]
                )
                for one in some
            )

    def _all_handled(self) -> None:
        """The caller came back: what it was handed out before is done."""
        if self._out:
            self._dirty = True
            for (topic, partition), offset in self._out.items():
                self._subscriptions[topic].handled[partition] = offset
            self._out.clear()

    def _commits_by_itself(self) -> bool:
        """Whether there is something to commit without being told to."""
        return self._dirty and self._commit_interval is not None and not self._shared

    def _try_commit(self, now: float) -> None:
        """One attempt: what does not succeed is done with the next one."""
        self._committed_at = now
        try:
            for one, partition, offset in self._uncommitted():
                path, params = _position(one, partition, offset)
                until = now + self._timeout
                try:
                    self._gateway.attempt("POST", path, encode(params), until)
                except PinionError as error:
                    _log.warning("a position in %s was refused: %s", one.name, error)
                one.committed[partition] = offset
            self._dirty = False
        except Again as failed:
            _log.info("positions could not be stored and will be later: %s", failed)
            self._committed_at = now + 1.0

    def _commit(self, deadline: float) -> None:
        for one, partition, offset in self._uncommitted():
            path, params = _position(one, partition, offset)
            self._gateway.call("POST", path, params, deadline=deadline)
            one.committed[partition] = offset
        self._dirty = False

    def _uncommitted(self) -> List[Tuple[_Subscription, int, int]]:
        if self._shared:
            return []
        return [
            (one, partition, offset)
            for one in self._subscriptions.values()
            for partition, offset in one.handled.items()
            if one.committed.get(partition) != offset
        ]

    # ---- Subscribing ---------------------------------------------------------------------------

    def _subscription(self, name: str) -> _Subscription:
        known = self._subscriptions.get(name)
        return known if known is not None else self._subscribe(name)

    def _subscribe(self, name: str) -> _Subscription:
        if self._stopped.is_set():
            raise Closed("the consumer was stopped; make a new one to read more")
        topic_names([name])
        try:
            one = self._register(name, time.monotonic() + self._timeout)
        except UnknownTopic as error:
            raise UnknownTopic(
                f"{error}; Admin.create_topic or a producer's first send makes it"
            ) from None
        except UnknownId as error:
            raise UnknownId(
                f"{error}: {self._given.get(name)} of topic '{name}'; leave it out of "
                "consumer_ids to register a new one"
            ) from None
        self._subscriptions[name] = one
        self._turn.append(one)
        return one

    def _register(self, name: str, deadline: float) -> _Subscription:
        consumer_id = self._given.get(name)
        if consumer_id is None:
            answer = self._gateway.call(
                "POST",
                "/consumer/register",
                {"topic": name},
                deadline=deadline,
                unreachable_after=UNREACHABLE_AFTER,
            )
            consumer_id = _int(answer, "consumer_id")
        one = _Subscription(name, consumer_id)
        if not self._shared:
            answer = self._gateway.call(
                "GET",
                f"{topic_path(name)}/positions",
                {"consumer_id": consumer_id},
                deadline=deadline,
                unreachable_after=UNREACHABLE_AFTER,
            )
            for position in answer.get("positions", ()):
                partition, offset = _int(position, "partition_id"), _int(position, "offset")
                one.committed[partition] = offset
                one.sources.sources.append(Source(one.sources, partition, offset))
            self._reading.add(one.sources)
        return one

    # ---- Ending --------------------------------------------------------------------------------

    def stop(self) -> None:
        """Ends reading, in every thread, and moves the ids on behind what was handed out.

        May be called again. What cannot be stored within ``timeout`` is logged as a warning; those
        messages would come again to a consumer that goes on with these ids.
        """
        if self._forked:
            return
        self._stopped.set()
        self._was_stopped()
        with self._lock:
            self._all_handled()
            self._end(self._timeout)

    def _stop_at_exit(self) -> None:
        # A program's end is not held up for long: what was read last would only come again.
        self._timeout = min(self._timeout, 2.0)
        self.stop()

    def _end(self, timeout: float) -> None:
        try:
            self._commit(time.monotonic() + timeout)
        except PinionError as error:
            _log.warning("the consumer's last positions could not be stored: %s", error)
        finally:
            for one in self._subscriptions.values():
                one.handled.clear()
            self._reading.close()
            self._gateway.close()

    def __enter__(self) -> "Consumer":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if error is not None:
            # The message that was being handled may come again; better than to skip it.
            with self._lock:
                self._out.clear()
        self.stop()


def _position(one: _Subscription, partition: int, offset: int) -> Tuple[str, Json]:
    path = f"{topic_path(one.name)}/partitions/{partition}/position"
    return path, {"consumer_id": one.consumer_id, "offset": offset}


def _dequeued(topic: str, answer: Json) -> Message:
    record: Json = {"offset": _int(answer, "offset")}
    if "message_base64" in answer:  # `message` then only shows what it looks like.
        record["value_base64"] = answer["message_base64"]
    else:
        record["value"] = answer.get("message", "")
    return Message(topic, _int(answer, "partition_id"), record)


def _int(answer: Json, name: str) -> int:
    try:
        return int(answer[name])
    except (KeyError, TypeError, ValueError):
        raise ProtocolError(f"an answer without '{name}': {answer!r:.200}") from None
