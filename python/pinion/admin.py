"""Admin: topics, SQL over the log, single reads, the state of the cluster.

    with Admin("localhost:8080") as admin:
        admin.create_topic("orders", partitions=3)
        print(admin.query("orders", "select count(*) from readable").rows)
"""

from __future__ import annotations

import base64
import ssl
import threading
import time
from types import TracebackType
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Type, Union

from ._address import DEFAULT_BROKER, Broker
from ._gateway import Again, Gateway, Gateways, Json, topic_path
from ._reading import Place
from .errors import Fate, PinionError, ProtocolError, TopicExists
from .records import Message

SqlValue = Union[None, int, float, str, bytes]


class QueryResult(NamedTuple):
    columns: List[str]
    rows: List[List[SqlValue]]
    truncated: bool
    """There were more rows than ``rows_max``."""

    def dicts(self) -> Iterator[Dict[str, SqlValue]]:
        """The rows by the names of their columns."""
        return (dict(zip(self.columns, row)) for row in self.rows)


class ReadResult(NamedTuple):
    messages: List[Message]
    next_offset: int
    """Where to read on."""
    log_start: int
    """The oldest offset that is kept."""
    high_watermark: int
    """The offset behind the newest message that can be read."""


class Admin:
    """Every call waits for its answer, at most ``timeout`` seconds, and tries again until then.

    Any thread may call anything; calls of several threads wait for each other.
    """

    def __init__(
        self,
        broker: Broker = DEFAULT_BROKER,
        *,
        timeout: float = 30.0,
        tls: Optional[ssl.SSLContext] = None,
    ) -> None:
        self._gateway = Gateway(Gateways(broker, tls))
        self._timeout = timeout
        self._lock = threading.Lock()

    def create_topic(self, topic: str, partitions: Optional[int] = None) -> None:
        """Makes a topic, with one partition if nothing else is said. Raises TopicExists.

        When the answer to an attempt was lost, a topic that is there afterwards counts as made.
        """
        params: Json = {"topic": topic}
        if partitions is not None:
            params["partitions"] = partitions
        try:
            self._call("POST", "/topics", params)
        except TopicExists as error:
            if error.fate is not Fate.UNKNOWN:
                raise

    def delete_topic(self, topic: str) -> None:
        """Deletes a topic and all its messages, for good."""
        self._call("DELETE", topic_path(topic))

    def list_topics(self) -> List[str]:
        """All names, in the order of their creation."""
        return [str(name) for name in self._call("GET", "/topics").get("topics", ())]

    def list_partitions(self, topic: str) -> List[int]:
        answer = self._call("GET", "/topics/partitions", {"topic": topic})
        return [int(partition) for partition in answer.get("partitions", ())]

    def describe_topic(self, topic: str) -> Json:
        """Name, id, retention, and each partition's state, leader, offsets and size."""
        value = self._call("GET", topic_path(topic)).get("topic")
        if not isinstance(value, dict):
            raise ProtocolError(f"a topic was described as {value!r:.200}")
        return value

    def cluster(self) -> Json:
        """Nodes and how they are, the newest producers and consumers, versions."""
        return self._call("GET", "/cluster")

    def is_healthy(self) -> bool:
        """Whether the cluster answers now; does not try again."""
        deadline = time.monotonic() + min(self._timeout, 5.0)
        with self._lock:
            try:
                self._gateway.attempt("GET", "/health", None, deadline)
            except (Again, PinionError):
                return False
            return True

    def query(
        self,
        topic: str,
        sql: str,
        *,
        partition: Optional[int] = None,
        rows_max: Optional[int] = None,
    ) -> QueryResult:
        """Runs SQL, read-only, over the log; ``select * from readable`` shows what there is.

        Without a partition every one is asked by itself, and their rows stand one behind the other.
        Raises QueryError.
        """
        params: Json = {"sql": sql}
        if partition is not None:
            params["partition"] = partition
        if rows_max is not None:
            params["rows_max"] = rows_max
        answer = self._call("POST", topic_path(topic) + "/query", params)
        rows = [[_sql_value(value) for value in row] for row in answer.get("rows", ())]
        columns = [str(name) for name in answer.get("columns", ())]
        return QueryResult(columns, rows, bool(answer.get("truncated", False)))

    def read(
        self,
        topic: str,
        partition: int = 0,
        offset: Place = "earliest",
        *,
        records_max: int = 500,
        wait: float = 0.0,
    ) -> ReadResult:
        """Messages of one partition from an offset on; moves nobody's position.

        Waits up to ``wait`` seconds (30 at most) for one when there is none.
        """
        wait = min(max(wait, 0.0), 30.0)
        answer = self._call(
            "GET",
            f"{topic_path(topic)}/partitions/{int(partition)}/records",
            {"offset": offset, "max": records_max, "wait_ms": int(wait * 1000)},
            patience=wait,
        )
        return ReadResult(
            [Message(topic, int(partition), record) for record in answer.get("records", ())],
            int(answer["next_offset"]),
            int(answer["log_start"]),
            int(answer["high_watermark"]),
        )

    def close(self) -> None:
        with self._lock:
            self._gateway.close()

    def __enter__(self) -> "Admin":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def _call(
        self, method: str, path: str, params: Optional[Json] = None, patience: float = 0.0
    ) -> Json:
        with self._lock:
            deadline = time.monotonic() + self._timeout + patience
            return self._gateway.call(method, path, params, deadline=deadline, patience=patience)


def _sql_value(value: Any) -> SqlValue:
    if isinstance(value, dict):
        return base64.b64decode(value.get("base64", ""))
    if value is None or isinstance(value, (int, float, str)):
        return value
    raise ProtocolError(f"a row holds {value!r:.100}")
