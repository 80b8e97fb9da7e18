"""Where the gateways are: ``host:port`` or ``http(s)://host[:port][/path]``, one or several."""

from __future__ import annotations

from typing import Iterable, List, NamedTuple, Union
from urllib.parse import urlsplit

from .errors import InvalidArgument

Broker = Union[str, Iterable[str]]

DEFAULT_BROKER = "localhost:8080"


class Address(NamedTuple):
    host: str
    port: int
    tls: bool
    prefix: str  # What stands before every path: "" or "/something", without a slash at its end.

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{self.prefix}"

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def parse_brokers(broker: Broker) -> List[Address]:
    """All addresses of a ``broker`` argument: one, several with commas between, or a list."""
    try:
        texts = broker.split(",") if isinstance(broker, str) else list(broker)
    except TypeError:
        raise InvalidArgument(f"broker is no address but {broker!r}; {_FORMS}, or more") from None
    addresses = [parse_address(text) for text in texts]
    if not addresses:
        raise InvalidArgument("broker is empty: give the gateway's address, as 'localhost:8080'")
    return addresses


def parse_address(text: str) -> Address:
    if not isinstance(text, str):
        raise InvalidArgument(f"broker must be text such as 'localhost:8080', not {text!r}")
    stripped = text.strip()
    has_scheme = "://" in stripped
    try:
        parts = urlsplit(stripped if has_scheme else "http://" + stripped)
        port = parts.port
        host = parts.hostname
    except ValueError as error:
        raise InvalidArgument(f"broker {text!r} is no address ({error}); {_FORMS}") from None
    if parts.scheme not in ("http", "https"):
        raise InvalidArgument(f"broker {text!r}: {parts.scheme}:// is not spoken here; {_FORMS}")
    if not host or any(c.isspace() or ord(c) < 32 for c in host):
        raise InvalidArgument(f"broker {text!r} names no host; {_FORMS}")
    if parts.username is not None or parts.query or parts.fragment:
        raise InvalidArgument(f"broker {text!r} may hold a host, a port and a path only; {_FORMS}")
    if port is None:
        if not has_scheme:
            raise InvalidArgument(f"broker {text!r} names no port; {_FORMS}")
        port = 443 if parts.scheme == "https" else 80
    if port == 0:
        raise InvalidArgument(f"broker {text!r}: port 0 cannot be connected to; {_FORMS}")
    return Address(host, port, parts.scheme == "https", parts.path.rstrip("/"))


_FORMS = "give 'host:port' or 'http://host:port' of a gateway"
