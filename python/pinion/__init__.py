"""Pinion's client for Python, over HTTP. See README.md for two minutes of it.

    from pinion import Admin, Consumer, Producer
"""

from ._delivery import Counters
from .admin import Admin, QueryResult, ReadResult
from .consumer import Consumer
from .errors import (
    BufferFull,
    Closed,
    DeadlineExceeded,
    Fate,
    GatewayUnreachable,
    InvalidArgument,
    NothingUnread,
    OffsetOutOfRange,
    PinionError,
    ProtocolError,
    QueryError,
    RecordTooLarge,
    TopicExists,
    UnknownId,
    UnknownPartition,
    UnknownTopic,
)
from .producer import Producer
from .records import DeliveryReport, Message, Outcome

__all__ = [
    "Admin",
    "BufferFull",
    "Closed",
    "Consumer",
    "Counters",
    "DeadlineExceeded",
    "DeliveryReport",
    "Fate",
    "GatewayUnreachable",
    "InvalidArgument",
    "Message",
    "NothingUnread",
    "OffsetOutOfRange",
    "Outcome",
    "PinionError",
    "Producer",
    "ProtocolError",
    "QueryError",
    "QueryResult",
    "ReadResult",
    "RecordTooLarge",
    "TopicExists",
    "UnknownId",
    "UnknownPartition",
    "UnknownTopic",
]

__version__ = "0.1.0"
