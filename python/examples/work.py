#!/usr/bin/env python3
"""Four workers share one consumer: each message is done by one of them. work.py TOPIC"""

import argparse
import sys
import threading

from pinion import Consumer, PinionError


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("topic")
    options.add_argument("--broker", default="localhost:8080")
    options.add_argument("--timeout", type=float, default=10.0, help="end after so long idle")
    given = options.parse_args()
    try:
        first = Consumer([given.topic], given.broker, shared=True)
    except PinionError as error:
        print(f"work: {error}", file=sys.stderr)
        return 1

    def work(number: int) -> None:
        # These may as well be other processes, on other machines: the ids are all that they share.
        with Consumer(
            broker=given.broker, consumer_ids=first.consumer_ids, shared=True
        ) as consumer:
            for message in consumer.get_next(timeout=given.timeout):
                sys.stdout.write(f"worker {number} does {message.message}\n")
                sys.stdout.flush()

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    first.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
