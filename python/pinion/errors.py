"""Every error that leaves this package, and what is certain about each.

All are :class:`PinionError`. The text says what happened and what to do; ``code`` is the cluster's
name for it (``unknown_topic``, ``throttled``, ...), for programs; ``fate`` says whether the thing
that was asked for happened, and ``retriable`` whether the same call may succeed later, unchanged.
The calls here have already been retried until their deadline when they raise.
"""

from __future__ import annotations

import enum
from typing import Dict, Optional, Type


class Fate(str, enum.Enum):
    """What is certain of a request."""

    HAPPENED = "happened"
    DID_NOT_HAPPEN = "did_not_happen"
    UNKNOWN = "unknown"

    def __str__(self) -> str:
        return self.value


class PinionError(Exception):
    """The base of all errors of this package."""

    code: str = "failed"

    def __init__(
        self,
        message: str,
        *,
        code: Optional[str] = None,
        fate: Fate = Fate.DID_NOT_HAPPEN,
        retriable: bool = False,
    ) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.fate = fate
        self.retriable = retriable


class InvalidArgument(PinionError, ValueError):
    """An argument is not valid; nothing was sent."""

    code = "invalid_argument"


class UnknownTopic(PinionError, LookupError):
    """The topic does not exist."""

    code = "unknown_topic"


class UnknownPartition(PinionError, LookupError):
    """The topic has no such partition."""

    code = "unknown_partition"


class UnknownId(PinionError, LookupError):
    """The producer or consumer id is not registered, or belongs to another topic."""

    code = "unknown_reader"


class TopicExists(PinionError):
    """A topic of that name is there already."""

    code = "topic_exists"


class RecordTooLarge(PinionError, ValueError):
    """The record is larger than the cluster allows."""

    code = "record_too_large"


class OffsetOutOfRange(PinionError, LookupError):
    """The offset is not in the log: beyond its end, or retention has deleted it."""

    code = "offset_out_of_range"


class NothingUnread(PinionError, LookupError):
    """The consumer has read everything there is."""

    code = "nothing_unread"


class QueryError(PinionError, ValueError):
    """The SQL is not valid, is not a plain read, or passed its limit of time or size."""

    code = "sql_invalid"


class BufferFull(PinionError):
    """The producer's memory is full of records that are not acknowledged yet."""

    code = "throttled"


class Closed(PinionError, RuntimeError):
    """The object was stopped before the call."""

    code = "closed"


class DeadlineExceeded(PinionError, TimeoutError):
    """The deadline came before an answer; the text has the last reason why."""

    code = "timed_out"


class GatewayUnreachable(DeadlineExceeded, ConnectionError):
    """No gateway took a connection before the deadline."""

    code = "connection_lost"


class ProtocolError(PinionError):
    """Something answered, but not as a gateway of Pinion does."""

    code = "malformed"


_BY_CODE: Dict[str, Type[PinionError]] = {
    "invalid_argument": InvalidArgument,
    "malformed": InvalidArgument,
    "unknown_topic": UnknownTopic,
    "unknown_partition": UnknownPartition,
    "unknown_reader": UnknownId,
    "topic_exists": TopicExists,
    "record_too_large": RecordTooLarge,
    "offset_out_of_range": OffsetOutOfRange,
    "log_truncated": OffsetOutOfRange,
    "nothing_unread": NothingUnread,
    "sql_invalid": QueryError,
    "sql_refused": QueryError,
    "sql_limit": QueryError,
}


def from_code(message: str, code: str, fate: Fate, retriable: bool) -> PinionError:
    """The error of the class that belongs to a code of the cluster."""
    kind = _BY_CODE.get(code, PinionError)
    return kind(message, code=code, fate=fate, retriable=retriable)
