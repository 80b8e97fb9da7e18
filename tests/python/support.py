"""What the tests share: the library on the path, gateways that end with the test, waiting."""

from __future__ import annotations

import logging
import pathlib
import sys
import threading
import time
import unittest
from typing import Any, Callable, Dict, List

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

from fake_gateway import FakeCluster, FakeGateway  # noqa: E402

import pinion  # noqa: E402

# The library says on this logger what nobody took note of; a test that wants to see it asserts it.
logging.getLogger("pinion").addHandler(logging.NullHandler())
logging.getLogger("pinion").propagate = False


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.002)


class GatewayTest(unittest.TestCase):
    """A fresh cluster in memory and a gateway for each test."""

    def setUp(self) -> None:
        self.gateway = self.new_gateway(FakeCluster())
        self.cluster = self.gateway.cluster

    def new_gateway(self, cluster: FakeCluster) -> FakeGateway:
        gateway = FakeGateway(cluster)
        self.addCleanup(gateway.stop)
        return gateway

    def producer(self, topics: Any = (), **options: Any) -> pinion.Producer:
        options.setdefault("broker", self.gateway.address)
        producer = pinion.Producer(topics, **options)
        self.addCleanup(producer.stop, 0)
        return producer

    def consumer(self, topics: Any = (), **options: Any) -> pinion.Consumer:
        options.setdefault("broker", self.gateway.address)
        consumer = pinion.Consumer(topics, **options)
        self.addCleanup(consumer.stop)
        return consumer

    def fill(self, topic: str, values: List[str], partition: int = 0, partitions: int = 1) -> None:
        with self.cluster.lock:
            known = self.cluster.topics.get(topic) or self.cluster.create(topic, partitions)
            self.cluster.append(known, partition, list(values))


class Reports:
    """A delivery callback that keeps what it is told."""

    def __init__(self) -> None:
        self.all: List[pinion.DeliveryReport] = []
        self._lock = threading.Lock()

    def __call__(self, report: pinion.DeliveryReport) -> None:
        with self._lock:
            self.all.append(report)

    def by_outcome(self) -> Dict[str, List[str]]:
        found: Dict[str, List[str]] = {}
        for report in self.all:
            found.setdefault(str(report.outcome), []).append(report.message)
        return found
