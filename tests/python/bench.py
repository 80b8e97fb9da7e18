#!/usr/bin/env python3
"""How fast is the Python library on this machine? Prints a line of JSON a figure.

    tests/python/bench.py [--records 400000] [--bytes 100] [--broker HOST:PORT]

Without a broker it starts a cluster with one node and a gateway in one process ($PINION_BIN, else
build/bin); a release build, on a machine that does nothing else. One producer, one partition.
"""

import argparse
import json
import time
from typing import Any, List

import support  # noqa: F401
from cluster import Cluster

from pinion import Consumer, Producer


def report(figure: str, value: float, unit: str, **more: Any) -> None:
    shown = round(value) if value >= 100 else round(value, 3)
    print(json.dumps({"figure": figure, "value": shown, "unit": unit, **more}), flush=True)


def produce(broker: str, records: int, size: int, batch: int) -> None:
    value = "x" * size
    with Producer(["bench"], broker, batch_records_max=batch) as producer:
        begun, cpu = time.perf_counter(), time.process_time()
        for _ in range(records):
            producer.send("bench", value)
        producer.flush()
        took, used = time.perf_counter() - begun, time.process_time() - cpu
    assert producer.counters().acknowledged == records, producer.counters()
    more = {"batch_records_max": batch, "cpu_us_per_record": round(used / records * 1e6, 2)}
    report("produce", records / took, "records/s", **more)


def send_and_wait(broker: str, count: int) -> None:
    took: List[float] = []
    with Producer(["bench-single"], broker) as producer:
        for _ in range(count):
            begun = time.perf_counter()
            producer.send_and_wait("bench-single", "x" * 100)
            took.append((time.perf_counter() - begun) * 1000)
    took.sort()
    report("send_and_wait p50", took[count // 2], "ms")
    report("send_and_wait p99", took[count * 99 // 100], "ms")


def consume(broker: str, records: int, shared: bool) -> None:
    with Consumer(["bench"], broker, shared=shared) as consumer:
        begun = time.perf_counter()
        seen = 0
        for _ in consumer.get_next(timeout=10):
            seen += 1
            if seen == records:
                break
        took = time.perf_counter() - begun
    assert seen == records, seen
    report("consume, shared" if shared else "consume", records / took, "records/s")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=400_000)
    options.add_argument("--bytes", type=int, default=100)
    options.add_argument("--broker")
    given = options.parse_args()
    cluster = None
    broker = given.broker
    if not broker:
        cluster = Cluster(gateways=1, nodes=1)
        cluster.start()
        broker = cluster.gateways[0]
    try:
        for batch in (500, 2000):
            produce(broker, given.records, given.bytes, batch)
        send_and_wait(broker, 1000)
        consume(broker, given.records, shared=False)
        consume(broker, 2000, shared=True)
    finally:
        if cluster is not None:
            cluster.close()


if __name__ == "__main__":
    main()
