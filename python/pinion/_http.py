"""One keep-alive connection of HTTP/1.1: a request out, its answer in, by a deadline.

The standard library's client bounds each read, not the whole exchange, and spends more time on
headers than a gateway spends on a message; this one does what is needed here and no more. One
thread at a time. After any failure the connection is closed, and the next request opens a new one.
"""

from __future__ import annotations

import socket
import ssl
import time
from typing import Dict, Mapping, NamedTuple, Optional

from ._address import Address

HEAD_BYTES_MAX = 64 * 1024
BODY_BYTES_MAX = 256 * 1024 * 1024
_READ_BYTES = 256 * 1024
_CONNECT_TIMEOUT = 3.0  # Seconds; another gateway may be nearer than one that does not even refuse.
_STALE_AFTER = 1.0  # Seconds without use after which a connection is looked at before it is used.


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]  # Names in lower case.
    body: bytes


class Lost(Exception):
    """The exchange broke off.

    ``maybe_received``: the request may have reached the gateway. ``reused``: the connection had
    been idle since another request, so that it may simply have been closed meanwhile.
    """

    def __init__(self, reason: str, *, maybe_received: bool, reused: bool = False) -> None:
        super().__init__(reason)
        self.maybe_received = maybe_received
        self.reused = reused


class Malformed(Exception):
    """What came back is not HTTP/1.1, or is larger than anything a gateway sends."""


class Insecure(Exception):
    """There is something at the address, but not behind TLS, or not with a trusted certificate."""


class Connection:
    def __init__(self, address: Address, tls: Optional[ssl.SSLContext]) -> None:
        self.address = address
        self._tls = tls if address.tls else None
        self._socket: Optional[socket.socket] = None
        self._buffer = b""
        self._used_at = 0.0
        # Of the present request:
        self._method = ""
        self._reused = False  # It went out on a connection that had been idle.
        self._whole = True  # All of it was sent.
        self._heard = False  # Something of its answer has come.
        self._fixed = (
            f"Host: {address.host_header}\r\nAccept: application/json\r\n"
            "User-Agent: pinion-python\r\n"
        )

    def close(self) -> None:
        if self._socket is not None:
            try:
                self._socket.close()
            except OSError:
                pass
            self._socket = None
        self._buffer = b""

    def exchange(self, method: str, path: str, body: Optional[bytes], deadline: float) -> Answer:
        """Sends a request and reads its answer; ``send`` and then ``receive``."""
        self.send(method, path, body, deadline)
        return self.receive(deadline)

    def send(self, method: str, path: str, body: Optional[bytes], deadline: float) -> None:
        """Sends a request; the connection then waits for ``receive``.

        Raises ``Lost`` or ``Insecure``. ``deadline`` is on ``time.monotonic()``'s scale.
        """
        request = self._encode(method, path, body)
        self._reused = self._still_open()
        if not self._reused:
            self._open(deadline)
        assert self._socket is not None
        self._method = method
        self._heard = False
        self._whole = True
        try:
            self._await(deadline)
            self._socket.sendall(request)
        except OSError as error:
            early = isinstance(error, (BrokenPipeError, ConnectionResetError))
            if self._reused or not early:
                raise self._lost(error) from None
            self._whole = False  # Perhaps refused early: the answer is then waiting to be read.
        except BaseException:
            self.close()
            raise

    def receive(self, deadline: float) -> Answer:
        """The answer to what was sent. Raises ``Lost`` or ``Malformed``."""
        try:
            answer, keep = self._read_answer(self._method, deadline)
        except (OSError, _Ended) as error:
            raise self._lost(error) from None
        except BaseException:
            self.close()
            raise
        self._used_at = time.monotonic()
        if not keep or not self._whole:
            self.close()
        return answer

    def fileno(self) -> int:
        """For selectors; only between ``send`` and ``receive``."""
        assert self._socket is not None
        return self._socket.fileno()

    def ready(self) -> bool:
        """A selector says that there is something to read: is it (a part of) the answer?"""
        if self._tls is None:
            return True
        # What came may have been a message of TLS alone, and `receive` would then wait.
        assert self._socket is not None
        try:
            self._socket.settimeout(0.0)
            data = self._socket.recv(_READ_BYTES)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            return True  # `receive` meets the same error and tells it.
        self._buffer += data
        self._heard = self._heard or bool(data)
        return True

    def _lost(self, error: Exception) -> Lost:
        self.close()
        late = isinstance(error, socket.timeout)
        reason = "no answer in time" if late else str(error) or type(error).__name__
        return Lost(
            f"{self.address}: {reason}",
            maybe_received=True,
            reused=self._reused and not self._heard and not late,
        )

    def _encode(self, method: str, path: str, body: Optional[bytes]) -> bytes:
        lines = f"{method} {self.address.prefix}{path} HTTP/1.1\r\n{self._fixed}"
        if body is None:
            return (lines + "\r\n").encode("latin-1")
        lines += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return lines.encode("latin-1") + body

    def _still_open(self) -> bool:
        """False: there is no connection, or the gateway has closed it while it was idle."""
        if self._socket is None:
            return False
        if self._tls is not None or time.monotonic() - self._used_at < _STALE_AFTER:
            return True
        try:
            self._socket.setblocking(False)
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            pass
        self.close()  # Ended, broken, or something came that nobody asked for.
        return False

    def _open(self, deadline: float) -> None:
        remaining = min(deadline - time.monotonic(), _CONNECT_TIMEOUT)
        if remaining <= 0:
            raise Lost(f"{self.address}: no time was left to connect", maybe_received=False)
        sock: Optional[socket.socket] = None
        try:
            sock = socket.create_connection((self.address.host, self.address.port), remaining)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_hostname=self.address.host)
        except (OSError, UnicodeError) as error:
            if sock is not None:
                sock.close()
            if isinstance(error, ssl.SSLError) and not isinstance(error, socket.timeout):
                raise Insecure(error.strerror or str(error)) from None
            late = isinstance(error, socket.timeout)
            reason = "no connection in time" if late else getattr(error, "strerror", "") or error
            raise Lost(f"{self.address}: {reason}", maybe_received=False) from None
        self._socket = sock
        self._buffer = b""

    def _await(self, deadline: float) -> None:
        """Gives the socket's next call what is left of the time."""
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise socket.timeout("the deadline has passed")
        assert self._socket is not None
        self._socket.settimeout(remaining)

    def _receive(self, deadline: float) -> None:
        self._await(deadline)
        assert self._socket is not None
        data = self._socket.recv(_READ_BYTES)
        if not data:
            raise _Ended("the gateway closed the connection before it had answered")
        self._heard = True
        self._buffer = self._buffer + data if self._buffer else data

    def _read_answer(self, method: str, deadline: float) -> "tuple[Answer, bool]":
        while True:
            status, headers, http_1_0 = self._read_head(deadline)
            if status >= 200:
                break  # 1xx is only news.
        keep = "close" not in headers.get("connection", "").lower()
        if http_1_0 and "keep-alive" not in headers.get("connection", "").lower():
            keep = False
        if method == "HEAD" or status in (204, 304):
            body = b""
        elif "chunked" in headers.get("transfer-encoding", "").lower():
            body = self._read_chunks(deadline)
        elif "content-length" in headers:
            body = self._take(_length(headers["content-length"], 10), deadline)
        else:
            body = self._read_to_end(deadline)
            keep = False
        return Answer(status, headers, body), keep

    def _read_head(self, deadline: float) -> "tuple[int, Dict[str, str], bool]":
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > HEAD_BYTES_MAX:
                raise Malformed("the answer's head does not end")
            self._receive(deadline)
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        self._buffer = self._buffer[end + 4 :]
        first = lines[0].split(" ", 2)
        if len(first) < 2 or not first[0].startswith("HTTP/1.") or not first[1].isdecimal():
            raise Malformed(f"the answer is not HTTP/1.1: it begins with {lines[0][:60]!r}")
        headers: Dict[str, str] = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise Malformed(f"the answer has a header without a colon: {line[:60]!r}")
            headers[name.strip().lower()] = value.strip()
        return int(first[1]), headers, first[0] == "HTTP/1.0"

    def _take(self, size: int, deadline: float) -> bytes:
        """The next ``size`` bytes."""
        if len(self._buffer) < size:
            parts = [self._buffer]
            missing = size - len(self._buffer)
            while missing > 0:
                self._buffer = b""
                self._receive(deadline)
                parts.append(self._buffer)
                missing -= len(self._buffer)
            self._buffer = b"".join(parts)
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _take_line(self, deadline: float) -> str:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > HEAD_BYTES_MAX:
                raise Malformed("a line of the answer does not end")
            self._receive(deadline)
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        return line.decode("latin-1")

    def _read_chunks(self, deadline: float) -> bytes:
        parts = []
        total = 0
        while size := _length(self._take_line(deadline).partition(";")[0], 16):
            total += size
            if total > BODY_BYTES_MAX:
                raise Malformed("the answer is too large")
            parts.append(self._take(size, deadline))
            self._take_line(deadline)
        while self._take_line(deadline):
            pass  # Trailers.
        return b"".join(parts)

    def _read_to_end(self, deadline: float) -> bytes:
        try:
            while len(self._buffer) <= BODY_BYTES_MAX:
                self._receive(deadline)
        except _Ended:
            taken, self._buffer = self._buffer, b""
            return taken
        raise Malformed("the answer is too large")


class _Ended(Exception):
    """The gateway closed its side."""


def _length(text: str, base: int) -> int:
    digits = text.strip()
    try:
        size = int(digits, base)
    except ValueError:
        size = -1
    if size < 0 or not digits.isalnum():
        raise Malformed(f"the answer's length is {text[:20]!r}")
    if size > BODY_BYTES_MAX:
        raise Malformed("the answer is too large")
    return size
