"""Calls to the gateways: one attempt, or attempts until a deadline.

An attempt ends in one of three ways: a value (success), a final error (the gateway has refused, and
would again), or ``Again`` (try later, with what is certain about this attempt). ``call`` repeats
with back-off and goes on to the next gateway of the list when one cannot be reached; so it is only
for requests that may be repeated: reads, and those that carry a sequence or a request id.
"""

from __future__ import annotations

import json
import random
import ssl
import threading
import time
from typing import Any, Callable, Dict, List, Mapping, Optional
from urllib.parse import quote, urlencode

from . import _http
from ._address import Address, Broker, parse_brokers
from .errors import (
    DeadlineExceeded,
    Fate,
    GatewayUnreachable,
    PinionError,
    ProtocolError,
    RecordTooLarge,
    TopicExists,
    UnknownId,
    UnknownTopic,
    from_code,
)

Json = Dict[str, Any]

# Seconds after which a silent gateway is given up and asked again. A gateway waits for the cluster
# for 10 s, as it comes, and then answers 503.
ATTEMPT_TIMEOUT = 12.0
# Seconds after which somebody who waits is told that nobody takes a connection: longer than a
# gateway takes to restart, shorter than people wait for an address with a mistake in it.
UNREACHABLE_AFTER = 10.0
BACK_OFF_MIN = 0.02  # Seconds before the second attempt; doubles, with jitter, up to
BACK_OFF_MAX = 1.0

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode
# Codes under which the request may have been done all the same.
_IN_DOUBT = frozenset(("storage_failed", "timed_out", "connection_lost", "io_failed", "cancelled"))
_RETRIED_STATUS = frozenset((429, 500, 502, 503, 504))


class Again(Exception):
    """The attempt did not succeed, but a later one may."""

    def __init__(
        self,
        reason: str,
        *,
        fate: Fate,
        after: Optional[float] = None,
        at_once: bool = False,
        unreachable: bool = False,
    ) -> None:
        super().__init__(reason)
        self.fate = fate
        self.after = after  # Seconds that the gateway asks us to wait.
        self.at_once = at_once  # An idle connection had been closed: no reason to wait at all.
        self.unreachable = unreachable


class BackOff:
    """How long to wait before the next attempt: doubling, with jitter, from BACK_OFF_MIN."""

    def __init__(self) -> None:
        self._next = BACK_OFF_MIN

    def delay(self, failed: Again) -> float:
        if failed.at_once:
            return 0.0
        delay = self._next * random.uniform(0.5, 1.0)
        self._next = min(self._next * 2, BACK_OFF_MAX)
        # Retry-After says whole seconds, and by ourselves we wait up to one; so only a longer one
        # is heeded, within reason: the deadlines are not the gateway's.
        if failed.after is not None and failed.after > BACK_OFF_MAX:
            return min(failed.after, 5 * BACK_OFF_MAX)
        return delay


class Gateways:
    """The addresses of the gateways, and which of them is in use. Any thread."""

    def __init__(self, broker: Broker, tls: Optional[ssl.SSLContext] = None) -> None:
        self.addresses: List[Address] = parse_brokers(broker)
        if tls is None and any(address.tls for address in self.addresses):
            tls = ssl.create_default_context()
        self._tls = tls
        self._current = 0
        self._lock = threading.Lock()

    def __str__(self) -> str:
        return ", ".join(str(address) for address in self.addresses)

    def connect(self) -> _http.Connection:
        """To the gateway in use; it is opened by its first request."""
        return _http.Connection(self.addresses[self._current], self._tls)

    def avoid(self, address: Address) -> None:
        """After a failure there: the next one of the list is in use from now on."""
        with self._lock:
            if self.addresses[self._current] == address:
                self._current = (self._current + 1) % len(self.addresses)


class Gateway:
    """One keep-alive connection to one of the gateways. One thread at a time."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways
        self._connection = gateways.connect()

    def close(self) -> None:
        self._connection.close()

    def attempt(
        self, method: str, path: str, body: Optional[bytes], deadline: float, patience: float = 0.0
    ) -> Json:
        """One exchange, by the deadline, and within ATTEMPT_TIMEOUT beyond ``patience`` seconds.

        Raises Again or PinionError.
        """
        connection = self._connection
        until = min(deadline, time.monotonic() + ATTEMPT_TIMEOUT + patience)
        try:
            answer = connection.exchange(method, path, body, until)
        except _http.Lost as lost:
            if not lost.reused:
                self._gateways.avoid(connection.address)
                self._connection = self._gateways.connect()
            raise again(lost) from None
        except _http.Malformed as error:
            raise malformed(connection, error) from None
        except _http.Insecure as error:
            raise insecure(connection, error) from None
        return judge(answer, f"{method} {connection.address}{path}")

    def call(
        self,
        method: str,
        path: str,
        params: Optional[Mapping[str, Any]] = None,
        *,
        deadline: float,
        patience: float = 0.0,
        stopped: Optional[threading.Event] = None,
        unreachable_after: Optional[float] = None,
    ) -> Json:
        """Attempts until an answer is final or the deadline has passed.

        ``unreachable_after``: seconds in which no gateway took a connection at all, which are
        enough to say so.

        ``params`` go into the query string of a GET, else into a JSON body. When ``stopped`` is set
        meanwhile, the attempts end as at a deadline.
        """
        body: Optional[bytes] = None
        if method == "GET":
            if params:
                path += "?" + urlencode(params)
        else:
            body = encode(params or {})
        back_off = BackOff()
        fate = Fate.DID_NOT_HAPPEN
        unreachable = True
        heard_at = time.monotonic()  # Or begun.
        while True:
            try:
                return self.attempt(method, path, body, deadline, patience)
            except PinionError as error:
                if fate is Fate.UNKNOWN:
                    error.fate = Fate.UNKNOWN
                raise
            except Again as failed:
                if failed.fate is Fate.UNKNOWN:
                    fate = Fate.UNKNOWN
                unreachable = unreachable and failed.unreachable
                if not failed.unreachable:
                    heard_at = time.monotonic()
                until = deadline
                if unreachable_after is not None and heard_at + unreachable_after < deadline:
                    until = heard_at + unreachable_after
                left = until - time.monotonic()
                delay = min(back_off.delay(failed), max(left, 0.0))
                if stopped is not None:
                    over = stopped.wait(delay)
                else:
                    time.sleep(delay)
                    over = False
                if over or time.monotonic() >= until:
                    # Ended by stop(), it says of the gateways what the attempts saw, and no more.
                    unreachable = unreachable or (not over and until < deadline)
                    raise self.expired(method, path, str(failed), fate, unreachable) from None

    def expired(
        self, method: str, path: str, reason: str, fate: Fate, unreachable: bool
    ) -> DeadlineExceeded:
        return expired(
            self._gateways, f"{method} {path.partition('?')[0]}", reason, fate, unreachable
        )


def again(lost: _http.Lost) -> Again:
    return Again(
        str(lost),
        fate=Fate.UNKNOWN if lost.maybe_received else Fate.DID_NOT_HAPPEN,
        at_once=lost.reused,
        unreachable=not lost.maybe_received,
    )


def malformed(connection: _http.Connection, error: _http.Malformed) -> ProtocolError:
    return ProtocolError(
        f"{connection.address}: {error}; is this the HTTP port of a Pinion gateway?",
        fate=Fate.UNKNOWN,
    )


def insecure(connection: _http.Connection, error: _http.Insecure) -> PinionError:
    return GatewayUnreachable(
        f"{connection.address}: no trusted connection ({error}); use http:// for a gateway without "
        "TLS, or say whom to trust: tls=ssl.create_default_context(cafile=...)"
    )


def expired(
    gateways: Gateways, request: str, reason: str, fate: Fate, unreachable: bool
) -> DeadlineExceeded:
    """What is said when the deadline has come; ``reason`` is why the last attempt failed."""
    if unreachable:
        return GatewayUnreachable(
            f"no gateway can be reached at {gateways} ({reason}); start one with "
            "'pinion up --http PORT', or correct the broker argument",
            fate=fate,
            retriable=True,
        )
    return DeadlineExceeded(
        f"no success by the deadline of {request} ({reason}); the cluster may be starting or "
        f"busy: see 'pinion status' and the gateway's /health, or allow more time",
        fate=fate,
        retriable=True,
    )


def encode(value: Any) -> bytes:
    return _encode(value).encode("utf-8")


def topic_path(topic: str) -> str:
    return "/topics/" + quote(topic, safe="")


def judge(answer: _http.Answer, request: str) -> Json:
    """The answer's value; raises Again or the error it stands for."""
    value: Optional[Json] = None
    try:
        decoded = json.loads(answer.body) if answer.body else None
        value = decoded if isinstance(decoded, dict) else None
    except (ValueError, RecursionError):
        pass
    if answer.status == 200 and value is not None and value.get("status", "success") == "success":
        return value
    message = str(value.get("message", "")) if value is not None else ""
    code = str(value.get("code") or "") if value is not None else ""
    fate = _fate(answer.status, value, code)
    if answer.status in _RETRIED_STATUS:
        raise Again(
            message or f"{request} was answered {answer.status}",
            fate=fate,
            after=_retry_after(answer, value),
        )
    # A gateway of Pinion has every path that is asked for here.
    elsewhere = answer.status in (404, 405) and not code
    if value is None or not message or elsewhere:
        what = f"{request} was answered {answer.status} {answer.body[:100]!r}"
        if answer.status == 413:
            raise RecordTooLarge(what + "; send smaller batches or records", fate=fate)
        if elsewhere:
            what += "; is the path in the broker argument right"
        raise ProtocolError(what + "; is this a Pinion gateway of this version?", fate=fate)
    raise _named_error(answer.status, message, code, fate, bool(value.get("retriable", False)))


def _fate(status: int, value: Optional[Json], code: str) -> Fate:
    try:
        return Fate(value["fate"]) if value is not None else Fate.UNKNOWN
    except (KeyError, ValueError):
        pass
    # A gateway that refuses without a word about the fate has done nothing.
    return Fate.DID_NOT_HAPPEN if 400 <= status < 500 and code not in _IN_DOUBT else Fate.UNKNOWN


def _retry_after(answer: _http.Answer, value: Optional[Json]) -> Optional[float]:
    try:
        if value is not None and "retry_after_ms" in value:
            return max(0.0, float(value["retry_after_ms"]) / 1000)
        return max(0.0, float(answer.headers["retry-after"]))
    except (KeyError, TypeError, ValueError):
        return None


def _by_text(message: str) -> "Optional[Callable[..., PinionError]]":
    """Gateways that give no code are told apart by the texts that clients have always compared."""
    if message in ("Invalid producer_id", "Invalid consumer_id"):
        return UnknownId
    if message.startswith("Topic '") and message.endswith("already exists"):
        return TopicExists
    if message.startswith("Topic '") and message.endswith("does not exist"):
        return UnknownTopic
    return None


def _named_error(status: int, message: str, code: str, fate: Fate, retriable: bool) -> PinionError:
    if not code:
        known = _by_text(message)
        if known is not None:
            return known(message, fate=fate)
        if status == 413:
            return RecordTooLarge(message, fate=fate)
    return from_code(message, code or "failed", fate, retriable)
