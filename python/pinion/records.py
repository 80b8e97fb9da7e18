"""What is read, and what is said about what was sent."""

from __future__ import annotations

import base64
import datetime
import enum
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from .errors import InvalidArgument, PinionError

Text = Union[str, bytes]
Header = Tuple[str, Text]
Headers = Union[Mapping[str, Text], Sequence[Header]]

# A record as it travels in JSON: a plain string is a value alone.
Item = Union[str, Dict[str, Any]]

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class Message:
    """A record that was read.

    The value and the key come in two forms: as text, in which bytes that are not UTF-8 are replaced
    by U+FFFD, and as the exact bytes. Times are microseconds since 1970, UTC.
    """

    __slots__ = ("topic", "partition", "_record")

    def __init__(self, topic: str, partition: int, record: Dict[str, Any]) -> None:
        self.topic = topic
        self.partition = partition
        self._record = record

    @property
    def offset(self) -> int:
        """The place in the partition, from 0."""
        return int(self._record["offset"])

    @property
    def message(self) -> str:
        """The value as text."""
        return _text(self._record, "value") or ""

    @property
    def value(self) -> bytes:
        """The value, exactly."""
        return _bytes(self._record, "value") or b""

    @property
    def key(self) -> Optional[str]:
        """The key as text; None when the record has none."""
        return _text(self._record, "key")

    @property
    def key_bytes(self) -> Optional[bytes]:
        """The key, exactly."""
        return _bytes(self._record, "key")

    @property
    def headers(self) -> List[Header]:
        """Names and values in the order in which the sender gave them."""
        return [(name, _header_value(value)) for name, value in self._record.get("headers") or ()]

    @property
    def timestamp(self) -> Optional[int]:
        """The sender's time, in microseconds. None when the record was dequeued."""
        return self._record.get("timestamp")

    @property
    def log_time(self) -> Optional[int]:
        """The log's time, strictly increasing in a partition. None when it was dequeued."""
        return self._record.get("log_time")

    @property
    def time(self) -> Optional[datetime.datetime]:
        """``timestamp`` as a datetime in UTC."""
        at = self.timestamp
        return None if at is None else _EPOCH + datetime.timedelta(microseconds=at)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return self._place() == other._place() and self._record == other._record

    def __hash__(self) -> int:
        return hash(self._place())

    def _place(self) -> Tuple[str, int, int]:
        return self.topic, self.partition, self.offset

    def __repr__(self) -> str:
        shown = self.message
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        return f"Message({self.topic}/{self.partition} at {self.offset}: {shown!r})"


class Outcome(str, enum.Enum):
    """What became of a record that was sent."""

    ACKNOWLEDGED = "acknowledged"
    """It is in the log, durably, once."""
    FAILED = "failed"
    """It is not in the log and never will be."""
    UNKNOWN = "unknown"
    """One of the two; its deadline came before an answer."""

    def __str__(self) -> str:
        return self.value


class DeliveryReport:
    """What became of one record. Truthy when it was acknowledged."""

    __slots__ = ("topic", "partition", "offset", "outcome", "error", "_record")

    def __init__(
        self,
        topic: str,
        partition: Optional[int],
        offset: Optional[int],
        outcome: Outcome,
        error: Optional[PinionError],
        record: Item,
    ) -> None:
        self.topic = topic
        self.partition = partition
        """None when it failed before a partition was chosen for it."""
        self.offset = offset
        """None unless acknowledged; also when a retry was recognised too late to say where."""
        self.outcome = outcome
        self.error = error
        """Why it was not acknowledged."""
        self._record = record

    @property
    def message(self) -> str:
        """The value that was sent, as text."""
        return _text(_as_dict(self._record), "value") or ""

    @property
    def value(self) -> bytes:
        """The value that was sent."""
        return _bytes(_as_dict(self._record), "value") or b""

    @property
    def key(self) -> Optional[str]:
        return _text(_as_dict(self._record), "key")

    def __bool__(self) -> bool:
        return self.outcome is Outcome.ACKNOWLEDGED

    def __repr__(self) -> str:
        what = f"DeliveryReport({self.topic}/{self.partition} {self.outcome}"
        if self.offset is not None:
            what += f" at {self.offset}"
        return what + (f": {self.error})" if self.error is not None else ")")


def encode_item(
    value: Text, key: Optional[Text], headers: Optional[Headers], timestamp: Optional[int]
) -> Tuple[Item, int]:
    """A record as it travels, and its size in bytes. Raises InvalidArgument."""
    item, size = encode_value(value)
    if key is None and headers is None and timestamp is None:
        return item, size
    record = {"value": item} if isinstance(item, str) else item
    if key is not None:
        size += _put(record, "key", key)
    if headers is not None:
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        encoded = []
        for pair in pairs:
            if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not _is_name(pair[0]):
                raise InvalidArgument(
                    f"a header is a name (text, not empty) and a value, not {pair!r}"
                )
            one: Dict[str, Any] = {}
            size += len(pair[0]) + _put(one, "value", pair[1])
            text = one.get("value")
            encoded.append([pair[0], {"base64": one["value_base64"]} if text is None else text])
        record["headers"] = encoded
    if timestamp is not None:
        if isinstance(timestamp, bool) or not isinstance(timestamp, int) or timestamp < 0:
            raise InvalidArgument(
                f"timestamp is whole microseconds since 1970, not {timestamp!r}; "
                "for seconds: int(seconds * 1_000_000)"
            )
        record["timestamp"] = timestamp
    return record, size


def encode_value(value: Text) -> Tuple[Item, int]:
    """A value alone: a plain string when it is text, which is cheap at both ends."""
    if isinstance(value, str):
        if value.isascii():
            return value, len(value)
        return value, len(_utf8(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        raw = bytes(value)
        try:
            return raw.decode("utf-8"), len(raw)
        except UnicodeDecodeError:
            return {"value_base64": base64.b64encode(raw).decode("ascii")}, len(raw)
    raise InvalidArgument(f"a message is str or bytes, not {type(value).__name__}: encode it first")


def _put(record: Dict[str, Any], name: str, value: Text) -> int:
    item, size = encode_value(value)
    if isinstance(item, str):
        record[name] = item
    else:
        record[name + "_base64"] = item["value_base64"]
    return size


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidArgument(
            f"the text holds half a surrogate pair at {error.start} and has no UTF-8 form; "
            "send bytes instead"
        ) from None


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name != "" and bool(_utf8(name))


def _as_dict(item: Item) -> Dict[str, Any]:
    return {"value": item} if isinstance(item, str) else item


def _text(record: Dict[str, Any], name: str) -> Optional[str]:
    text = record.get(name)
    if text is not None:
        return str(text)
    raw = _bytes(record, name)
    return None if raw is None else raw.decode("utf-8", "replace")


def _bytes(record: Dict[str, Any], name: str) -> Optional[bytes]:
    text = record.get(name)
    if text is not None:
        return str(text).encode("utf-8")
    encoded = record.get(name + "_base64")
    return None if encoded is None else base64.b64decode(encoded)


def _header_value(value: Any) -> Text:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else str(value)
