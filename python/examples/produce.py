#!/usr/bin/env python3
"""Sends a record for each line of standard input: produce.py TOPIC [--key-separator :] < lines"""

import argparse
import sys

from pinion import DeliveryReport, PinionError, Producer


def told(report: DeliveryReport) -> None:
    if not report:
        print(f"{report.outcome}: {report.message!r}: {report.error}", file=sys.stderr)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("topic")
    options.add_argument("--broker", default="localhost:8080")
    options.add_argument("--key-separator", help="what stands before it is the record's key")
    given = options.parse_args()
    try:
        with Producer([given.topic], given.broker, on_delivery=told) as producer:
            for line in sys.stdin.buffer:
                value, key = line.rstrip(b"\n"), None
                if given.key_separator:
                    key, found, rest = value.partition(given.key_separator.encode())
                    value, key = (rest, key) if found else (value, None)
                producer.send(given.topic, value, key=key)
    except PinionError as error:
        print(f"produce: {error}", file=sys.stderr)
        return 1
    counters = producer.counters()
    print(f"{counters.acknowledged} of {counters.sent} are in the log", file=sys.stderr)
    return 0 if counters.acknowledged == counters.sent else 1


if __name__ == "__main__":
    sys.exit(main())
