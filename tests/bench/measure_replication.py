#!/usr/bin/env python3
"""Measures what replication costs and how soon another node takes over, on separate processes and
a fresh data folder. Figures that are compared come from rounds that take turns.

    tests/bench/measure_replication.py [--programs build/bin] [--data DIR] [--rounds 5]
                                       [--kills 50] [--only cost,failover,graceful,catchup]

Prints progress on stderr and a table on stdout. Needs a release build and python3.
"""
import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone

from measure import median, run_parts, say, storage


class Sender:
    """`pinion produce --report`, fed at a rate, with the time at which each report came."""

    def __init__(self, cluster, topic, rate):
        self.process = subprocess.Popen(
            [f"{cluster.programs}/pinion", "produce", topic, "--report", "--broker",
             cluster.client], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.rate = rate
        self.reports = []  # monotonic seconds
        self.sending = True
        self.threads = [threading.Thread(target=self.feed), threading.Thread(target=self.hear)]
        for thread in self.threads:
            thread.start()

    def feed(self):
        due = time.monotonic()
        number = 0
        while self.sending:
            try:
                self.process.stdin.write(f"record {number}\n")
            except BrokenPipeError:
                return
            number += 1
            due += 1 / self.rate
            time.sleep(max(0, due - time.monotonic()))
        self.process.stdin.close()

    def hear(self):
        for _ in self.process.stdout:
            self.reports.append(time.monotonic())

    def first_after(self, moment, gap, limit=30):
        """When reports went on: the first that came `gap` seconds after its forerunner, which may
        be from before the moment; None when they never stopped for so long."""
        until = time.monotonic() + limit
        index = max(0, len(self.reports) - 1)
        while time.monotonic() < until:
            while index + 1 < len(self.reports):
                before, after = self.reports[index], self.reports[index + 1]
                if after > moment and after - before >= gap:
                    return after
                index += 1
            time.sleep(0.005)
        return None

    def wait_for_more(self, records, limit=30):
        wanted = len(self.reports) + records
        until = time.monotonic() + limit
        while len(self.reports) < wanted:
            if time.monotonic() > until:
                raise RuntimeError("nothing was acknowledged any more")
            time.sleep(0.005)

    def longest_gap(self, begin, end):
        seen = [begin] + [r for r in list(self.reports) if begin <= r <= end] + [end]
        return max(b - a for a, b in zip(seen, seen[1:]))

    def finish(self):
        self.sending = False
        for thread in self.threads:
            thread.join()
        if self.process.wait() != 0:
            raise RuntimeError("a record was not acknowledged; its line is above")


def partition(status, topic):
    found = next(t for t in status["topics"] if t["name"] == topic)
    return found["partitions"][0]


def in_sync(status, topic, replicas):
    return all(len(p["isr"]) == replicas and p["state"] == "online"
               for t in status["topics"] if t["name"] == topic for p in t["partitions"])


def settle(cluster, topic, replicas=3):
    """All in sync, and the preferred replica leads."""
    def settled(status):
        row = partition(status, topic)
        return in_sync(status, topic, replicas) and row["leader"] == row["replicas"][0]
    cluster.wait(settled, 60)


def measure_cost(args, table, fresh):
    with fresh(3) as cluster:
        one, three, slow_one, slow_three = [], [], [], []
        for i in range(args.rounds):
            say(f"one replica against three, round {i + 1} of {args.rounds}")
            one.append(cluster.bench("produce", messages=args.messages, replication=1))
            three.append(cluster.bench("produce", messages=args.messages, replication=3))
            slow_one.append(cluster.bench("latency", rate=1000, messages=5000, replication=1))
            slow_three.append(cluster.bench("latency", rate=1000, messages=5000, replication=3))
        ratio = median(three, "records_per_s") / median(one, "records_per_s")
        table.add("produce, 100 B, 3 replicas",
                  f"{median(three, 'records_per_s'):,.0f}/s, {ratio:.2f} of one replica's "
                  f"{median(one, 'records_per_s'):,.0f}/s", "0.28 of one replica", ratio >= 0.28)
        times = median(slow_three, "p50_ms") / median(slow_one, "p50_ms")
        table.add("1,000/s, p50, 3 replicas",
                  f"{median(slow_three, 'p50_ms'):.3f} ms (p99 {median(slow_three, 'p99_ms'):.3f}), "
                  f"{times:.2f} times one replica's {median(slow_one, 'p50_ms'):.3f} ms (p99 "
                  f"{median(slow_one, 'p99_ms'):.3f})", "3 times one replica", times <= 3)


def noticed_at(cluster, node, since_wall):
    """When the broker's log says that the node is lost, in wall-clock seconds."""
    pattern = re.compile(rf"^(\S+)Z \S+\s+node lost node={node}\b")
    with open(f"{cluster.data}/broker.log") as log:
        for line in log:
            found = pattern.match(line)
            if not found:
                continue
            at = datetime.fromisoformat(found.group(1)).replace(tzinfo=timezone.utc).timestamp()
            if at >= since_wall:
                return at
    return None


def measure_failover(args, table, fresh):
    with fresh(3) as cluster:
        cluster.pinion("topic", "create", "one", "--replication", "3")
        settle(cluster, "one")
        sender = Sender(cluster, "one", 500)
        took, noticed = [], []
        try:
            for i in range(args.kills):
                say(f"kill -9, {i + 1} of {args.kills}")
                settle(cluster, "one")
                time.sleep(0.3)
                leader = partition(cluster.status(), "one")["leader"]
                wall, moment = time.time(), time.monotonic()
                cluster.nodes[leader - 1].kill()
                back = sender.first_after(moment, 0.1)
                if back is None:
                    raise RuntimeError("no pause of 0.1 s was seen, or nothing came after it")
                cluster.nodes[leader - 1].wait()
                took.append(back - moment)
                lost = noticed_at(cluster, leader, wall)
                if lost is not None:
                    noticed.append(lost - wall)
                cluster.start_node(leader)
        finally:
            sender.finish()
        if not noticed:
            raise RuntimeError("the broker's log names no lost node")
        p50, detection = statistics.median(took), statistics.median(noticed)
        table.add("kill -9 of a leader, to the next acknowledgement",
                  f"p50 {p50:.3f} s, most {max(took):.3f} s over {len(took)} kills; the loss is "
                  f"noticed after {detection:.3f} s (p50)", "p50 within detection + 0.2 s",
                  p50 <= detection + 0.2)


def measure_graceful(args, table, fresh):
    with fresh(3) as cluster:
        cluster.pinion("topic", "create", "one", "--replication", "3")
        settle(cluster, "one")
        sender = Sender(cluster, "one", 500)
        gaps = []
        try:
            for i in range(args.stops):
                say(f"SIGTERM, {i + 1} of {args.stops}")
                settle(cluster, "one")
                time.sleep(0.3)
                leader = partition(cluster.status(), "one")["leader"]
                begin = time.monotonic()
                cluster.nodes[leader - 1].send_signal(signal.SIGTERM)
                cluster.nodes[leader - 1].wait(20)
                sender.wait_for_more(100)
                gaps.append(sender.longest_gap(begin, time.monotonic()))
                cluster.start_node(leader)
        finally:
            sender.finish()  # Which fails when a record did.
        table.add("SIGTERM of a leader, longest pause between acknowledgements",
                  f"p50 {statistics.median(gaps) * 1e3:.0f} ms, most {max(gaps) * 1e3:.0f} ms over "
                  f"{len(gaps)} stops, no error", "100 ms, no error",
                  statistics.median(gaps) < 0.1)


def measure_catchup(args, table, fresh):
    with fresh(3) as cluster:
        cluster.pinion("topic", "create", "big", "--replication", "3")
        settle(cluster, "big")
        source = f"{args.data}/lines"
        with open(source, "w") as file:
            line = "x" * 99 + "\n"
            for _ in range(args.catchup // 1000):
                file.write(line * 1000)
        say(f"sending {args.catchup:,} records")
        cluster.pinion("produce", "big", "--file", source)
        settle(cluster, "big")
        bare = storage(args, messages=1_000_000, size=100, batch=5000)["records_per_s"]
        follower = partition(cluster.status(), "big")["replicas"][2]

        def catch_up():
            cluster.nodes[follower - 1].kill()
            cluster.nodes[follower - 1].wait()
            cluster.wait(lambda s: len(partition(s, "big")["isr"]) == 2, 30)
            shutil.rmtree(f"{cluster.data}/node-{follower}")
            cluster.start_node(follower)
            cluster.wait(lambda s: any(n["id"] == follower and n["health"] == "alive"
                                       for n in s["nodes"]), 30)
            begin = time.monotonic()
            cluster.wait(lambda s: in_sync(s, "big", 3), 300)
            return time.monotonic() - begin

        say("catching up from nothing, nobody sends")
        rate = args.catchup / catch_up()
        table.add("catch-up of an empty replica",
                  f"{rate:,.0f} records/s, {rate / bare:.2f} of bare SQLite's {bare:,.0f}/s",
                  "0.6 of bare SQLite", rate >= 0.6 * bare)
        say("the same while a producer sends")
        rates = {}
        for name in ("before", "meanwhile"):
            started = threading.Event()
            result = {}

            def send():
                started.set()
                result.update(cluster.bench("produce", rate=args.rate, seconds=8, replication=2))
            thread = threading.Thread(target=send)
            thread.start()
            started.wait()
            if name == "meanwhile":
                time.sleep(1)
                took = catch_up()
            thread.join()
            rates[name] = result["records_per_s"]
        lost = 1 - rates["meanwhile"] / rates["before"]
        table.add(f"a producer of {args.rate:,} records/s meanwhile",
                  f"{rates['meanwhile']:,.0f}/s of {rates['before']:,.0f}/s, {lost * 100:.0f} % "
                  f"less; caught up at {args.catchup / took:,.0f} records/s", "20 % less at most",
                  lost <= 0.2)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", default="build/bin")
    parser.add_argument("--data", help="a folder on the disk to measure (a temporary one here)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--stops", type=int, default=20)
    parser.add_argument("--catchup", type=int, default=5_000_000, help="records")
    parser.add_argument("--rate", type=int, default=50_000, help="records/s while catching up")
    parser.add_argument("--only", help="cost, failover, graceful, catchup")
    args = parser.parse_args()
    run_parts(args, {"cost": measure_cost, "failover": measure_failover,
                     "graceful": measure_graceful, "catchup": measure_catchup})


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main()
