"""Reads many partitions at once, without threads: a long poll of each is parked at a gateway.

A *source* is a partition and the offset that it is read from next. Each has at most one request on
its way, which waits at the partition for a record to come; the answers that have come are buffered,
and topics take turns, and in a topic its partitions. So a new record is handed out after about a
round trip, an idle consumer costs a few requests a minute, and nothing that is read moves anything
in the cluster: a request may be repeated or forgotten at will.
"""

from __future__ import annotations

import selectors
import time
from collections import deque
from typing import Any, Deque, Dict, List, Optional, Union
from urllib.parse import urlencode

from . import _http
from ._gateway import Again, BackOff, Gateways, again, insecure, judge, malformed, topic_path
from .errors import Fate, PinionError
from .records import Message

Place = Union[int, str]  # An offset, "earliest" or "latest".

WAIT = 20.0  # Seconds that a request is parked.
WAIT_IN_TURNS = 0.2  # The same, when more sources want to wait than there are connections.
CONNECTIONS_MAX = 64
_GRACE = 5.0  # Seconds beyond its wait after which a request counts as lost.


class Source:
    def __init__(self, topic: "TopicSources", partition: int, place: Place) -> None:
        self.topic = topic
        self.partition = partition
        self.place = place
        self.messages: Deque[Message] = deque()
        self.connection: Optional[_http.Connection] = None  # While a request is on its way.
        self.lost_at = 0.0  # When it is given up.
        self.retry_at = 0.0
        self.back_off = BackOff()
        self.error: Optional[PinionError] = None  # Final; for the reader, who may then seek.
        self.reason = ""  # Why the last attempt failed.


class TopicSources:
    def __init__(self, name: str) -> None:
        self.name = name
        self.sources: List[Source] = []
        self.turn: Deque[Source] = deque()  # Those that have messages.


class Reading:
    """One thread at a time."""

    def __init__(self, gateways: Gateways, records_max: int) -> None:
        self._gateways = gateways
        self._records_max = records_max
        self._selector = selectors.DefaultSelector()
        self._idle: List[_http.Connection] = []
        self._asked = 0
        self._hungry: Deque[Source] = deque()  # Those that may want to ask.
        self._turn: Deque[TopicSources] = deque()
        self._sources = 0

    def add(self, topic: TopicSources) -> None:
        self._turn.append(topic)
        self._hungry.extend(topic.sources)
        self._sources += len(topic.sources)

    def close(self) -> None:
        """May be called again."""
        for key in list((self._selector.get_map() or {}).values()):
            key.data.connection.close()
            key.data.connection = None
        self._selector.close()
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def seek(self, source: Source, place: Place) -> None:
        source.place = place
        source.messages.clear()
        if source in source.topic.turn:
            source.topic.turn.remove(source)
        if source.connection is not None:
            self._detach(source).close()  # It may be parked, far from where reading goes on.
        source.error = None
        source.retry_at = 0.0

    def next(self, topic: Optional[TopicSources]) -> Optional[Message]:
        """The next message that is here, in turn; None when there is none."""
        if topic is not None:
            return _next_of(topic) if topic.turn else None
        for _ in range(len(self._turn)):
            self._turn.rotate(-1)
            if self._turn[-1].turn:
                return _next_of(self._turn[-1])
        return None

    def pump(self, wait: float) -> None:
        """Asks for what is wanted and takes what has come; waits for something to come."""
        now = time.monotonic()
        self._ask(now)
        for key, _ in self._selector.select(max(0.0, min(wait, self._until_next(now)))):
            source: Source = key.data
            if source.connection is not None and source.connection.ready():
                self._take(source)
        now = time.monotonic()
        for key in list(self._selector.get_map().values()):
            source = key.data
            if source.lost_at <= now:
                self._detach(source).close()
                self._failed(source, Again("no answer in time", fate=Fate.UNKNOWN), now)

    def trouble(self) -> str:
        """Why the last attempt to read some partition failed, or empty."""
        return next((s.reason for t in self._turn for s in t.sources if s.reason), "")

    def _until_next(self, now: float) -> float:
        times = [s.retry_at for s in self._hungry if s.retry_at > now and s.error is None]
        times += [key.data.lost_at for key in self._selector.get_map().values()]
        return min(times) - now if times else WAIT

    # ---- Asking --------------------------------------------------------------------------------

    def _ask(self, now: float) -> None:
        for _ in range(len(self._hungry)):
            if self._asked >= CONNECTIONS_MAX:
                return
            source = self._hungry.popleft()
            full = len(source.messages) > self._records_max // 2
            if full or source.retry_at > now or source.error is not None:
                self._hungry.append(source)
            else:
                self._send(source, now)

    def _send(self, source: Source, now: float) -> None:
        wait = WAIT if self._sources <= CONNECTIONS_MAX else WAIT_IN_TURNS
        query = urlencode(
            {"offset": source.place, "max": self._records_max, "wait_ms": int(wait * 1000)}
        )
        path = f"{topic_path(source.topic.name)}/partitions/{source.partition}/records?{query}"
        connection = self._idle.pop() if self._idle else self._gateways.connect()
        try:
            connection.send("GET", path, None, now + _GRACE)
        except _http.Lost as lost:
            if not lost.reused:
                self._gateways.avoid(connection.address)
            self._failed(source, again(lost), now)
            self._hungry.append(source)
            return
        except _http.Insecure as error:
            source.error = insecure(connection, error)
            self._hungry.append(source)
            return
        source.connection = connection
        source.lost_at = now + wait + _GRACE
        self._asked += 1
        self._selector.register(connection, selectors.EVENT_READ, source)

    def _detach(self, source: Source) -> _http.Connection:
        connection = source.connection
        assert connection is not None
        self._selector.unregister(connection)
        source.connection = None
        self._asked -= 1
        self._hungry.append(source)
        return connection

    # ---- Taking --------------------------------------------------------------------------------

    def _take(self, source: Source) -> None:
        connection = self._detach(source)
        now = time.monotonic()
        try:
            answer = connection.receive(now + _GRACE)
            value = judge(answer, f"reading {source.topic.name}/{source.partition}")
            records: List[Dict[str, Any]] = value["records"]
            place = int(value["next_offset"])
        except _http.Lost as lost:
            if not lost.reused:
                self._gateways.avoid(connection.address)
            self._failed(source, again(lost), now)
        except Again as failed:
            self._idle.append(connection)
            self._failed(source, failed, now)
        except _http.Malformed as error:
            source.error = malformed(connection, error)
        except PinionError as error:
            self._idle.append(connection)
            source.error = error
        except (KeyError, TypeError, ValueError):
            connection.close()
            why = _http.Malformed("an answer to a read holds no records")
            source.error = malformed(connection, why)
        else:
            self._idle.append(connection)
            self._accept(source, records, place)

    def _accept(self, source: Source, records: List[Dict[str, Any]], place: int) -> None:
        source.back_off = BackOff()
        source.reason = ""
        source.place = place
        if records:
            name, partition = source.topic.name, source.partition
            if not source.messages:
                source.topic.turn.append(source)
            source.messages.extend(Message(name, partition, record) for record in records)

    def _failed(self, source: Source, failed: Again, now: float) -> None:
        source.reason = str(failed)
        source.retry_at = now + source.back_off.delay(failed)


def _next_of(topic: TopicSources) -> Message:
    source = topic.turn.popleft()
    message = source.messages.popleft()
    if source.messages:
        topic.turn.append(source)
    return message
