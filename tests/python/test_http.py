"""The HTTP connection against a server that answers byte for byte what the test says."""

import random
import socket
import threading
import time
import unittest
from typing import List, Optional

import support  # noqa: F401
from pinion import _http
from pinion._address import parse_address


class ScriptedServer:
    """Accepts connections; on each, reads a request and sends the next script, and so on.

    A script of None ends the connection; what was not read by then is thrown away.
    """

    def __init__(self, *scripts: Optional[bytes], read_size: int = 1 << 20) -> None:
        self.requests: List[bytes] = []
        self.connections = 0
        self._scripts = list(scripts)
        self._read_size = read_size
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.close()

    def _run(self) -> None:
        while self._scripts:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            self.connections += 1
            with connection:
                while self._scripts:
                    data = connection.recv(self._read_size)
                    if not data:
                        break
                    self.requests.append(data)
                    script = self._scripts.pop(0)
                    if script is None:
                        break
                    for part in script.split(b"|"):
                        connection.sendall(part)
                        time.sleep(0.005)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Exchanges(unittest.TestCase):
    def connect(self, *scripts: Optional[bytes]) -> _http.Connection:
        self.server = ScriptedServer(*scripts)
        self.addCleanup(self.server.close)
        connection = _http.Connection(parse_address(self.server.address), None)
        self.addCleanup(connection.close)
        return connection

    def get(self, connection: _http.Connection, seconds: float = 5.0) -> _http.Answer:
        return connection.exchange("GET", "/x", None, time.monotonic() + seconds)

    def test_a_connection_is_used_again(self) -> None:
        connection = self.connect(OK, OK, OK)
        for _ in range(3):
            self.assertEqual(self.get(connection).body, b"ok")
        self.assertEqual(self.server.connections, 1)

    def test_a_body_is_sent_with_its_length(self) -> None:
        connection = self.connect(OK)
        connection.exchange("POST", "/p", b"{}", time.monotonic() + 5)
        head, _, body = self.server.requests[0].partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"POST /p HTTP/1.1\r\nHost: 127.0.0.1:"))
        self.assertIn(b"Content-Length: 2", head)
        self.assertEqual(body, b"{}")

    def test_answers_come_in_pieces_chunks_and_to_the_end(self) -> None:
        for script in (
            b"HTTP|/1.1 200 O|K\r\ncontent-LENGTH:2\r|\n\r\n|o|k",
            CHUNKED + b"2;x=y\r\nok\r\n0\r\n\r\n",
            CHUNKED + b"1\r\no|\r\n1\r\nk\r\n0\r\na: b\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nx: y\r\n\r\n" + OK,
        ):
            with self.subTest(script):
                connection = self.connect(script, OK)
                self.assertEqual(self.get(connection).body, b"ok")
                self.assertEqual(self.get(connection).body, b"ok")
        connection = self.connect(b"HTTP/1.1 200 OK\r\n\r\nok", None)
        with self.assertRaises(_http.Lost):
            self.get(connection, 0.2)  # It does not end, so neither does the body.

    def test_an_answer_without_a_length_ends_with_the_connection(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve() -> None:
            peer = listener.accept()[0]
            peer.recv(10_000)
            peer.sendall(b"HTTP/1.1 200 OK\r\n\r\nall of it")
            peer.close()

        threading.Thread(target=serve, daemon=True).start()
        connection = _http.Connection(
            parse_address("127.0.0.1:%d" % listener.getsockname()[1]), None
        )
        self.assertEqual(self.get(connection).body, b"all of it")

    def test_a_connection_that_the_gateway_closes_is_opened_again(self) -> None:
        closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
        connection = self.connect(closing, closing)
        self.assertEqual(self.get(connection).body, b"ok")
        self.assertEqual(self.get(connection).body, b"ok")
        self.assertEqual(self.server.connections, 2)

    def test_a_refused_connection_says_that_nothing_was_sent(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        connection = _http.Connection(parse_address(f"127.0.0.1:{port}"), None)
        with self.assertRaisesRegex(_http.Lost, "refused") as raised:
            self.get(connection)
        self.assertFalse(raised.exception.maybe_received)

    def test_a_lost_answer_says_that_the_request_may_have_arrived(self) -> None:
        connection = self.connect(None)
        with self.assertRaises(_http.Lost) as raised:
            self.get(connection)
        self.assertTrue(raised.exception.maybe_received)
        self.assertFalse(raised.exception.reused)

    def test_an_idle_connection_that_was_closed_is_told_apart(self) -> None:
        connection = self.connect(OK, None)
        self.get(connection)
        with self.assertRaises(_http.Lost) as raised:
            self.get(connection)
        self.assertTrue(raised.exception.reused)

    def test_a_connection_that_ended_long_ago_is_not_even_tried(self) -> None:
        connection = self.connect(OK, OK)
        self.get(connection)
        connection._used_at -= 60
        connection._socket.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        self.assertEqual(self.get(connection).body, b"ok")
        self.assertEqual(self.server.connections, 2)

    def test_the_deadline_bounds_the_whole_exchange(self) -> None:
        slow = b"|".join(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n".split()) + b"|" * 900
        connection = self.connect(slow)
        begun = time.monotonic()
        with self.assertRaisesRegex(_http.Lost, "in time"):
            self.get(connection, 0.2)
        self.assertLess(time.monotonic() - begun, 2)

    def test_what_is_not_http_is_named_so(self) -> None:
        for script in (
            b"\x00\x01\x02\r\n\r\n",
            b"SSH-2.0-OpenSSH\r\n\r\n",
            b"HTTP/1.1 abc\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000,
        ):
            with self.subTest(script[:60]):
                with self.assertRaises(_http.Malformed):
                    self.get(self.connect(script))

    def test_whatever_comes_back_ends_in_an_answer_or_one_of_two_errors(self) -> None:
        chance = random.Random(7)
        good = [
            OK,
            CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
            b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}",
            b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
        ]
        connection = _http.Connection(parse_address("127.0.0.1:1"), None)
        ends = {"answer": 0, "lost": 0, "malformed": 0}
        for number in range(3000):
            data = bytearray(chance.choice(good))
            for _ in range(chance.randint(0, 3)):
                what, at = chance.random(), chance.randrange(len(data))
                if what < 0.4:
                    data[at] = chance.randrange(256)
                elif what < 0.6:
                    del data[at : at + chance.randint(1, 9)]
                elif what < 0.8:
                    data[at:at] = bytes(chance.choices(b"\r\n: 0123456789abcdefHTTP/\xff", k=5))
                else:
                    del data[at:]
                data = data or bytearray(b" ")
            ours, theirs = socket.socketpair()
            theirs.sendall(data)
            theirs.close()
            connection.close()
            connection._socket = ours
            with self.subTest(number=number, data=bytes(data)):
                try:
                    connection.receive(time.monotonic() + 5)
                    ends["answer"] += 1
                except _http.Lost:
                    ends["lost"] += 1
                except _http.Malformed:
                    ends["malformed"] += 1
        connection.close()
        self.assertGreater(min(ends.values()), 100, ends)


if __name__ == "__main__":
    unittest.main()
