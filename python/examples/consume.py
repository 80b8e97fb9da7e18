#!/usr/bin/env python3
"""Prints the messages of topics: consume.py TOPIC... [--id TOPIC=N] [--timeout SECONDS]

What it prints at its end goes on where it stopped.
"""

import argparse
import sys

from pinion import Consumer, PinionError


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("topics", nargs="*", metavar="TOPIC")
    options.add_argument("--broker", default="localhost:8080")
    options.add_argument("--id", action="append", default=[], metavar="TOPIC=N")
    options.add_argument("--timeout", type=float, help="end after so long without a message")
    given = options.parse_args()
    ids = {topic: int(number) for topic, _, number in (one.partition("=") for one in given.id)}
    try:
        with Consumer(given.topics, given.broker, consumer_ids=ids) as consumer:
            try:
                for message in consumer.get_next(timeout=given.timeout):
                    place = f"{message.topic}/{message.partition} {message.offset}"
                    print(place, message.key or "-", message.message, sep="\t", flush=True)
            except KeyboardInterrupt:
                pass
    except PinionError as error:
        print(f"consume: {error}", file=sys.stderr)
        return 1
    again = " ".join(f"--id {topic}={number}" for topic, number in consumer.consumer_ids.items())
    print(f"to go on here: consume.py {again}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
