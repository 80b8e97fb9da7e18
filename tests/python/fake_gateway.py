"""A gateway in this process, over a cluster in memory, that fails on request.

``FakeCluster`` keeps what a cluster keeps: topics, logs, registrations, sequences, positions,
the last dequeues. Any number of ``FakeGateway`` serve one; each can be stopped, with all its
connections at once, and started again on the same port. Faults strike the next requests that match:

    gateway.fault("drop_after", path="/records", times=2)
    gateway.fault("unavailable", method="GET", times=10, every=5)

drop_before    the connection ends before anything was done
drop_after     ... after it was done, without an answer
half_answer    ... in the middle of the answer
unavailable    503, nothing done; unavailable_after: 503 though it was done
bad_gateway    502 and a page of HTML, as a load balancer says it
slow           the answer comes `seconds` later
garbage        something that is not HTTP
"""

from __future__ import annotations

import base64
import json
import socket
import sqlite3
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, Optional, Tuple
from urllib.parse import parse_qsl, unquote, urlsplit

Json = Dict[str, Any]


class Refusal(Exception):
    def __init__(self, message: str, code: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class FakeTopic:
    def __init__(self, name: str, partitions: int) -> None:
        self.name = name
        self.logs: List[List[Json]] = [[] for _ in range(partitions)]
        self.log_start = [0] * partitions
        self.next_in_turn = 0


class FakeCluster:
    def __init__(self, record_bytes_max: int = 1 << 20) -> None:
        self.lock = threading.Condition()
        self.record_bytes_max = record_bytes_max
        self.topics: Dict[str, FakeTopic] = {}
        self.producers: Dict[int, str] = {}
        self.consumers: Dict[int, str] = {}
        # (producer, partition) -> [(sequence, count, offset), ...]
        self.batches: Dict[Tuple[int, int], List[Tuple[int, int, int]]] = {}
        self.positions: Dict[Tuple[int, int], int] = {}
        self.dequeues: Dict[Tuple[int, str], Json] = {}
        self.batches_taken = 0
        self.batches_repeated = 0

    def create(self, name: str, partitions: int = 1) -> FakeTopic:
        if name in self.topics:
            raise Refusal(f"Topic '{name}' already exists", "topic_exists")
        topic = self.topics[name] = FakeTopic(name, partitions)
        return topic

    def topic(self, name: str) -> FakeTopic:
        if name not in self.topics:
            raise Refusal(f"Topic '{name}' does not exist", "unknown_topic")
        return self.topics[name]

    def values(self, name: str, partition: int = 0) -> List[str]:
        with self.lock:
            return [record.get("value", "") for record in self.topics[name].logs[partition]]

    def all_values(self, name: str) -> List[str]:
        with self.lock:
            return [record["value"] for log in self.topics[name].logs for record in log]

    def append(self, topic: FakeTopic, partition: int, items: List[Any]) -> int:
        log = topic.logs[partition]
        base = len(log)
        for item in items:
            record = {"value": item} if isinstance(item, str) else dict(item)
            if len(json.dumps(record)) > self.record_bytes_max:
                raise Refusal("the record is larger than the cluster allows", "record_too_large")
        now = int(time.time() * 1_000_000)
        for place, item in enumerate(items):
            record = {"value": item} if isinstance(item, str) else dict(item)
            record.pop("partition", None)
            record.setdefault("timestamp", now)
            record.update(offset=base + place, log_time=now + place)
            log.append(record)
        self.lock.notify_all()
        return base


class FakeGateway:
    def __init__(
        self,
        cluster: Optional[FakeCluster] = None,
        port: int = 0,
        tls: Optional[ssl.SSLContext] = None,
    ) -> None:
        self.cluster = cluster or FakeCluster()
        self.requests: List[Tuple[str, str, Json]] = []
        self.connections = 0
        self.body_bytes_max = 8 << 20
        self._faults: List[Json] = []
        self._hook: Optional[Callable[[str, str, Json], None]] = None
        self._open: List[socket.socket] = []
        self._port = port
        self._tls = tls
        self._server: Optional[ThreadingHTTPServer] = None
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        handler = type("Handler", (_Handler,), {"gateway": self})
        self._server = _Server(("127.0.0.1", self._port), handler)
        self._port = self._server.server_address[1]
        if self._tls is not None:
            # The handshake is the connection's own thread's.
            self._server.socket = self._tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        """As a kill: every connection ends, also in the middle of a request."""
        if self._server is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = None
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._open.clear()
        with self.cluster.lock:
            self.cluster.lock.notify_all()

    @property
    def running(self) -> bool:
        return self._server is not None

    def fault(
        self,
        kind: str,
        *,
        path: str = "",
        method: str = "",
        times: int = 1,
        every: int = 1,
        seconds: float = 0.0,
    ) -> None:
        """Strikes ``times`` of the requests that match: each, or every so manieth of them."""
        with self.cluster.lock:
            self._faults.append(
                {
                    "kind": kind,
                    "path": path,
                    "method": method,
                    "left": times,
                    "every": every,
                    "seen": 0,
                    "seconds": seconds,
                }
            )

    def heal(self) -> None:
        with self.cluster.lock:
            self._faults.clear()

    def faults_left(self) -> int:
        with self.cluster.lock:
            return sum(fault["left"] for fault in self._faults)

    def count(self, method: str, path_part: str) -> int:
        with self.cluster.lock:
            return sum(1 for m, path, _ in self.requests if m == method and path_part in path)

    def _next_fault(self, method: str, path: str) -> Json:
        for fault in self._faults:
            fits = fault["path"] in path and fault["method"] in ("", method)
            if fits and fault["left"] > 0:
                fault["seen"] += 1
                if fault["seen"] % fault["every"] == 0:
                    fault["left"] -= 1
                    return fault
        return {"kind": "", "seconds": 0.0}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # Connections end in every way here.


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    gateway: FakeGateway

    def setup(self) -> None:
        super().setup()
        self.gateway.connections += 1
        self.gateway._open.append(self.connection)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.answer()

    do_POST = do_DELETE = do_GET

    def answer(self) -> None:
        gateway = self.gateway
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        params: Json = dict(parse_qsl(url.query))
        params.update(json.loads(body) if body else {})
        with gateway.cluster.lock:
            gateway.requests.append((self.command, url.path, params))
            fault = gateway._next_fault(self.command, url.path)
        kind = fault["kind"]
        if kind == "drop_before":
            self.drop()
            return
        if kind == "unavailable":
            self.reply(503, {"status": "failure", "message": "try again", "code": "throttled"})
            return
        try:
            if length > gateway.body_bytes_max:
                raise Refusal("the body is too large", status=413)
            value = self.serve(url.path, params)
            status = 200
        except Refusal as refusal:
            status, value = refusal.status, {"status": "failure", "message": str(refusal)}
            if refusal.code:
                value["code"] = refusal.code
        if not gateway.running:
            self.drop()
            return
        if kind == "drop_after":
            self.drop()
        elif kind == "unavailable_after":
            self.reply(503, {"status": "failure", "message": "no answer", "code": "timed_out"})
        elif kind == "bad_gateway":
            self.reply(502, None)
        elif kind == "garbage":
            self.wfile.write(b"\x00\x01 this is not HTTP\r\n\r\n")
            self.wfile.flush()
            self.drop()
        elif kind == "half_answer":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
            self.wfile.flush()
            self.drop()
        else:
            if kind == "slow":
                time.sleep(fault["seconds"])
            self.reply(status, value)

    def drop(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def reply(self, status: int, value: Optional[Json]) -> None:
        body = b"<html>no gateway</html>" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if value is not None else "text/html")
        self.send_header("Content-Length", str(len(body)))
        if status == 503:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    # ---- What is served ------------------------------------------------------------------------

    def serve(self, path: str, params: Json) -> Json:
        cluster = self.gateway.cluster
        parts = [unquote(part) for part in path.strip("/").split("/")]
        with cluster.lock:
            if path == "/health":
                return {"status": "success"}
            if path == "/topics" and self.command == "POST":
                name = params["topic"]
                cluster.create(name, int(params.get("partitions", 1)))
                return ok(message=f"Topic '{name}' created successfully")
            if path == "/topics":
                return ok(topics=list(cluster.topics))
            if path == "/topics/partitions":
                return ok(partitions=list(range(len(cluster.topic(params["topic"]).logs))))
            if path == "/producer/register":
                name = params["topic"]
                topic = cluster.topics.get(name) or cluster.create(name)
                number = len(cluster.producers) + 1
                cluster.producers[number] = name
                return ok(
                    producer_id=number, message=f"ID {number}", num_partitions=len(topic.logs)
                )
            if path == "/consumer/register":
                cluster.topic(params["topic"])
                number = len(cluster.consumers) + 1
                cluster.consumers[number] = params["topic"]
                return ok(consumer_id=number, message=f"ID {number}")
            if path == "/consumer/consume":
                return self.dequeue(cluster, params)
            if path == "/size":
                topic = self.consumer_topic(cluster, params)
                at = [cluster.positions.get((params_id(params), p), 0) for p in partitions(topic)]
                return ok(size=sum(len(log) - n for log, n in zip(topic.logs, at)))
            if path == "/cluster":
                return ok(cluster_id="fake", nodes=[])
            if parts[0] == "topics" and len(parts) >= 2:
                return self.serve_topic(cluster, parts[1], parts[2:], params)
        raise Refusal("unknown path", status=404)

    def serve_topic(self, cluster: FakeCluster, name: str, rest: List[str], params: Json) -> Json:
        topic = cluster.topic(name)
        if not rest and self.command == "DELETE":
            del cluster.topics[name]
            return ok(message="deleted")
        if not rest:
            return ok(
                topic={"name": name, "partitions": [{"partition_id": p} for p in partitions(topic)]}
            )
        if rest == ["records"] and self.command == "POST":
            return self.append(cluster, topic, params)
        if rest == ["positions"]:
            self.consumer_topic(cluster, params)
            number = params_id(params)
            return ok(
                positions=[
                    {"partition_id": p, "offset": cluster.positions.get((number, p), 0)}
                    for p in partitions(topic)
                ]
            )
        if rest == ["query"]:
            return query(topic, params)
        if len(rest) == 3 and rest[0] == "partitions":
            partition = int(rest[1])
            if partition not in partitions(topic):
                raise Refusal("no such partition", "unknown_partition")
            if rest[2] == "position":
                self.consumer_topic(cluster, params)
                cluster.positions[params_id(params), partition] = int(params["offset"])
                return ok()
            if rest[2] == "records":
                return self.read(cluster, topic, partition, params)
        raise Refusal("unknown path", status=404)

    def consumer_topic(self, cluster: FakeCluster, params: Json) -> FakeTopic:
        if cluster.consumers.get(params_id(params)) is None:
            raise Refusal("Invalid consumer_id", "unknown_reader")
        return cluster.topic(cluster.consumers[params_id(params)])

    def append(self, cluster: FakeCluster, topic: FakeTopic, params: Json) -> Json:
        producer, partition = int(params["producer_id"]), int(params["partition"])
        if cluster.producers.get(producer) != topic.name:
            raise Refusal("Invalid producer_id")
        items, sequence = params["records"], int(params["sequence"])
        taken = cluster.batches.setdefault((producer, partition), [])
        for first, count, offset in taken:
            if first == sequence and count == len(items):
                cluster.batches_repeated += 1
                return ok(count=count, partition_id=partition, offset=offset)
        if taken and sequence < taken[-1][0] + taken[-1][1]:
            raise Refusal("the number overlaps another batch", "out_of_order_sequence")
        offset = cluster.append(topic, partition, items)
        taken.append((sequence, len(items), offset))
        cluster.batches_taken += 1
        return ok(count=len(items), partition_id=partition, offset=offset)

    def read(self, cluster: FakeCluster, topic: FakeTopic, partition: int, params: Json) -> Json:
        log, place = topic.logs[partition], params.get("offset", "earliest")
        start = topic.log_start[partition]
        at = start if place == "earliest" else len(log) if place == "latest" else int(place)
        until = time.monotonic() + int(params.get("wait_ms", 0)) / 1000
        while at >= start and at == len(log) and time.monotonic() < until:
            if not self.gateway.running or topic.name not in cluster.topics:
                break
            cluster.lock.wait(min(0.5, max(0.0, until - time.monotonic())))
            start = topic.log_start[partition]
        cluster.topic(topic.name)
        if not start <= at <= len(log):
            raise Refusal("the offset is not in the log", "offset_out_of_range")
        records = log[at : at + int(params.get("max", 500))]
        return ok(
            topic=topic.name,
            partition_id=partition,
            records=records,
            next_offset=at + len(records),
            log_start=start,
            high_watermark=len(log),
        )

    def dequeue(self, cluster: FakeCluster, params: Json) -> Json:
        topic = self.consumer_topic(cluster, params)
        number, token = params_id(params), params.get("request_id", "")
        if token and (number, token) in cluster.dequeues:
            return cluster.dequeues[number, token]
        for step in range(len(topic.logs)):
            partition = (topic.next_in_turn + step) % len(topic.logs)
            at = cluster.positions.get((number, partition), 0)
            if at < len(topic.logs[partition]):
                topic.next_in_turn = partition + 1
                cluster.positions[number, partition] = at + 1
                record = topic.logs[partition][at]
                value = record.get("value", "")
                reply = ok(message=value, log_message=value, offset=at, partition_id=partition)
                if "value_base64" in record:
                    reply["message_base64"] = record["value_base64"]
                cluster.dequeues[number, token] = reply
                return reply
        raise Refusal("no unread message", "nothing_unread")


def ok(**fields: Any) -> Json:
    return {"status": "success", **fields}


def partitions(topic: FakeTopic) -> range:
    return range(len(topic.logs))


def params_id(params: Json) -> int:
    return int(params.get("consumer_id", 0))


def query(topic: FakeTopic, params: Json) -> Json:
    database = sqlite3.connect(":memory:")
    database.execute("create table readable(partition, offset, key, value)")
    for partition, log in enumerate(topic.logs):
        for record in log:
            row = (partition, record["offset"], record.get("key"), record.get("value"))
            database.execute("insert into readable values (?, ?, ?, ?)", row)
    try:
        cursor = database.execute(params["sql"])
        rows = [[_json_value(value) for value in row] for row in cursor]
        columns = [column[0] for column in cursor.description]
    except sqlite3.Error as error:
        raise Refusal(str(error), "sql_invalid") from None
    finally:
        database.close()
    most = int(params.get("rows_max", 1000))
    return ok(columns=columns, rows=rows[:most], truncated=len(rows) > most)


def _json_value(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
