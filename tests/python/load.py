"""Producers and consumers that go on whatever happens, and the count at the end.

Two producers send to a topic of one partition and to one of three. Two consumers read both alone,
and takers share one consumer of the second topic. ``check`` then demands: every record is in the
log once, where its report says, in the order of its sends; each consumer saw it once, in the order
of the log; and of the takers exactly one did.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
import unittest
from collections import Counter
from typing import Any, Callable, Dict, Iterator, List

from support import Reports, wait_until

from pinion import Admin, Consumer, Message, Producer

LONG = 10 if os.environ.get("PINION_E2E_LONG") else 1


class Load:
    PRODUCERS = 2

    def __init__(self, brokers: List[str], takers: int) -> None:
        self._brokers = brokers
        self.end = threading.Event()
        self.sent: List[List[Any]] = [[] for _ in range(self.PRODUCERS)]
        self.reports = Reports()
        self.seen: Dict[str, List[Message]] = {"first": [], "second": []}
        self.shared: List[List[Message]] = [[] for _ in range(takers)]
        self.errors: List[str] = []
        self._produced = threading.Event()
        self._left = self.PRODUCERS
        self._lock = threading.Lock()

    def sent_to(self, topic: str) -> List[str]:
        return [value for own in self.sent for where, value in own if where == topic]

    def progress(self) -> List[int]:
        shared = sum(map(len, self.shared))
        return [*map(len, self.sent), *map(len, self.seen.values()), shared]

    def _untaken(self) -> int:
        return sum(map(len, self.sent)) // 2 - sum(map(len, self.shared))

    def start(self) -> List[threading.Thread]:
        ids = Consumer(["three"], self._brokers, shared=True).consumer_ids
        jobs = [(f"producer {n}", lambda n=n: self._produce(n)) for n in range(self.PRODUCERS)]
        jobs += [(name, lambda name=name: self._consume(name)) for name in self.seen]
        jobs += [(f"shared {n}", lambda n=n: self._share(n, ids)) for n in range(len(self.shared))]
        threads = [threading.Thread(target=self._guard, args=job, name=job[0]) for job in jobs]
        for thread in threads:
            thread.daemon = True
            thread.start()
        return threads

    def _guard(self, name: str, job: Any) -> None:
        try:
            job()
        except BaseException as error:
            self.errors.append(f"{name}: {type(error).__name__}: {error}")

    def _produce(self, number: int) -> None:
        brokers = self._brokers if number == 0 else self._brokers[::-1]
        with Producer(
            ["one", "three"], brokers, on_delivery=self.reports, delivery_timeout=120
        ) as producer:
            count = 0
            while not self.end.is_set():
                for topic in ("one", "three"):
                    value = f"{number}-{count}"
                    count += 1
                    key = None if topic == "one" else str(count % 7)
                    producer.send(topic, value, key=key)
                    self.sent[number].append((topic, value))
                time.sleep(0.0005)
                # The takers get one message at a time: they are not left behind for minutes.
                while self._untaken() > 1000 and not self.end.is_set():
                    time.sleep(0.005)
        with self._lock:
            self._left -= 1
            if not self._left:
                self._produced.set()

    def _consume(self, name: str) -> None:
        brokers = self._brokers if name == "first" else self._brokers[-1]
        with Consumer(["one", "three"], brokers) as consumer:
            own = self.seen[name]
            self._drain(consumer, own, lambda: len(own) >= sum(map(len, self.sent)))

    def _share(self, number: int, ids: Dict[str, int]) -> None:
        broker = self._brokers[number % len(self._brokers)]
        with Consumer(broker=broker, consumer_ids=ids, shared=True) as consumer:
            self._drain(consumer, self.shared[number], lambda: self._untaken() <= 0)

    def _drain(
        self, consumer: Consumer, into: List[Message], has_all: Callable[[], bool]
    ) -> None:
        """Until the producers have ended, all has come, and nothing more does."""
        until = math.inf
        while True:
            if self._produced.is_set():
                until = min(until, time.monotonic() + 60)
            last = self._produced.is_set() and (has_all() or time.monotonic() > until)
            for message in consumer.get_next(timeout=1.0):
                into.append(message)
            if last:
                return

    def go_on(self) -> None:
        """Until every producer and every consumer got further than it was."""
        before = self.progress()
        try:
            wait_until(
                lambda: bool(self.errors)
                or all(now > then + 50 for now, then in zip(self.progress(), before)),
                "everybody goes on",
                60,
            )
        except AssertionError as error:
            raise AssertionError(f"{error}: from {before} to {self.progress()}") from None


@contextlib.contextmanager
def counted(test: unittest.TestCase, brokers: List[str], takers: int = 2) -> Iterator[Load]:
    """Load while the block runs, and the count of everything afterwards."""
    admin = Admin(brokers, timeout=60)
    test.addCleanup(admin.close)
    admin.create_topic("one")
    admin.create_topic("three", 3)
    load = Load(brokers, takers)
    threads = load.start()
    try:
        yield load
        load.go_on()
    finally:
        load.end.set()
        for thread in threads:
            thread.join(120)
    test.assertEqual([t.name for t in threads if t.is_alive()], [], "threads that hang")
    test.assertEqual(load.errors, [])
    check(test, load, admin)


def check(test: unittest.TestCase, load: Load, admin: Admin) -> None:
    sent = {"one": load.sent_to("one"), "three": load.sent_to("three")}
    outcomes = Counter(str(report.outcome) for report in load.reports.all)
    test.assertEqual(outcomes, {"acknowledged": sum(map(len, sent.values()))})
    in_log: Dict[Any, str] = {}
    for topic, values in sent.items():
        found = []
        for partition in admin.list_partitions(topic):
            offset = 0
            while True:
                read = admin.read(topic, partition, offset, records_max=10_000)
                for m in read.messages:
                    in_log[topic, partition, m.offset] = m.message
                found += [m.message for m in read.messages]
                if not read.messages:
                    break
                offset = read.next_offset
        test.assertEqual(Counter(found), Counter(values), f"{topic}: each once")
    for report in load.reports.all:
        place = (report.topic, report.partition, report.offset)
        test.assertEqual(in_log[place], report.message, "it is where its report says")
    for topic in sent:
        for producer in range(Load.PRODUCERS):
            for partition in range(3):
                own = [
                    int(value.split("-")[1])
                    for (t, p, _), value in sorted(in_log.items())
                    if (t, p) == (topic, partition) and value.startswith(f"{producer}-")
                ]
                test.assertEqual(own, sorted(own), "in the order of its sends")
    everything = Counter(value for values in sent.values() for value in values)
    for name, read_ in load.seen.items():
        test.assertEqual(Counter(m.message for m in read_), everything, f"{name}: each once")
        for topic, partition in {(m.topic, m.partition) for m in read_}:
            offsets = [m.offset for m in read_ if (m.topic, m.partition) == (topic, partition)]
            test.assertEqual(offsets, list(range(len(offsets))), f"{name}: in order")
    shared = Counter(m.message for own in load.shared for m in own)
    test.assertEqual(shared, Counter(sent["three"]), "shared: each to one of them")
