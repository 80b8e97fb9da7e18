#!/usr/bin/env python3
"""Measures what docs/PERFORMANCE.md reports: every figure in one run, on separate processes and a
fresh data folder, each as the median of several rounds that take turns, so that a slow minute of
the machine hits all of them alike.

    tests/bench/measure.py [--programs build/bin] [--data DIR] [--rounds 5] [--only NAME,...]

Prints progress on stderr and a table on stdout. Needs a release build and python3.
"""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time


def say(text):
    print(text, file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Cluster:
    """A leader broker and partition brokers as separate processes."""

    def __init__(self, programs, data, nodes):
        self.programs = programs
        self.data = data
        self.node_count = nodes
        self.client = f"tcp://127.0.0.1:{free_port()}"
        self.cluster = f"tcp://127.0.0.1:{free_port()}"
        self.broker = None
        self.nodes = []

    def __enter__(self):
        os.makedirs(self.data, exist_ok=True)
        try:
            self.start_broker()
            for number in range(1, self.node_count + 1):
                self.start_node(number)
            self.wait(lambda s: sum(n["health"] == "alive" for n in s["nodes"]) == self.node_count,
                      60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.nodes + [self.broker]:
            if process and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.nodes + [self.broker]:
            if process:
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def config(self, name, text):
        path = f"{self.data}/{name}.toml"
        with open(path, "w") as file:
            file.write(text)
        return path

    def spawn(self, program, config, log):
        return subprocess.Popen([f"{self.programs}/{program}", config],
                                stdout=subprocess.DEVNULL, stderr=open(f"{self.data}/{log}", "a"))

    def start_broker(self):
        config = self.config("broker", f'data_dir = "{self.data}/broker"\n'
                             f'client_bind = "{self.client}"\ncluster_bind = "{self.cluster}"\n')
        self.broker = self.spawn("pinion-broker", config, "broker.log")

    def start_node(self, number):
        config = self.config(f"node-{number}", f'node_id = {number}\nbroker = "{self.cluster}"\n'
                             f'data_dir = "{self.data}/node-{number}"\n')
        process = self.spawn("pinion-partition", config, f"node-{number}.log")
        self.nodes = self.nodes[:number - 1] + [process] + self.nodes[number:]

    def pinion(self, *arguments, timeout=600):
        done = subprocess.run([f"{self.programs}/pinion", *arguments, "--broker", self.client],
                              capture_output=True, text=True, timeout=timeout)
        if done.returncode != 0:
            raise RuntimeError(f"pinion {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def bench(self, kind, **options):
        words = [w for k, v in options.items() for w in (f"--{k}", str(v))]
        return json.loads(self.pinion("bench", kind, *words, "--json"))

    def status(self):
        return json.loads(self.pinion("status", "--json"))

    def wait(self, condition, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if condition(self.status()):
                    return
            except RuntimeError:
                pass
            time.sleep(0.02)
        raise RuntimeError("the cluster did not get there in time")

    def processes(self):
        return {"broker": self.broker.pid,
                **{f"node {i + 1}": p.pid for i, p in enumerate(self.nodes)}}


def proc_status(pid, field):
    with open(f"/proc/{pid}/status") as file:
        found = re.search(rf"^{field}:\s+(\d+) kB", file.read(), re.M)
    return int(found.group(1)) / 1024 if found else 0.0


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def storage(args, **options):
    words = [w for k, v in options.items() for w in (f"--{k}", str(v))]
    done = subprocess.run([f"{args.programs}/pinion", "bench", "storage", *words, "--data",
                           args.data, "--json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


class Table:
    def __init__(self):
        self.rows = []

    def add(self, name, value, target, ok):
        self.rows.append((name, value, target, "reached" if ok else "MISSED"))
        say(f"  {name}: {value}  (to reach: {target})  {'reached' if ok else 'MISSED'}")

    def print(self):
        titles = ("figure", "measured", "to reach", "")
        widths = [max(len(r[i]) for r in self.rows + [titles]) for i in range(4)]
        for row in [titles, tuple("-" * w for w in widths)] + self.rows:
            print("| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |")


def median(runs, key):
    return statistics.median(r[key] for r in runs)


def spread(runs, key):
    values = [r[key] for r in runs]
    return f"{min(values):,.0f} to {max(values):,.0f}"


def measure_throughput(args, table, fresh):
    with fresh(1) as cluster:
        produce, limit, consume, e2e, large = [], [], [], [], []
        cluster.bench("produce", messages=args.messages // 4)  # Warm.
        for i in range(args.rounds):
            say(f"throughput, round {i + 1} of {args.rounds}")
            produce.append(cluster.bench("produce", messages=args.messages))
            rows = max(1, round(produce[-1]["rows_per_commit"]))
            limit.append(storage(args, messages=args.messages, batch=rows))
            consume.append(cluster.bench("consume", messages=args.messages))
            e2e.append(cluster.bench("e2e", messages=args.messages))
            large.append(cluster.bench("produce", messages=args.messages // 5, size=1000))
        p, s = median(produce, "records_per_s"), median(limit, "records_per_s")
        ratio = statistics.median(a["records_per_s"] / b["records_per_s"]
                                  for a, b in zip(produce, limit))
        table.add("bare SQLite, 100 B", f"{s:,.0f}/s at {median(limit, 'rows_per_commit'):,.0f} "
                  f"rows a commit ({spread(limit, 'records_per_s')})", "the limit", True)
        table.add("produce, 100 B, 1 x 1", f"{p:,.0f}/s at {median(produce, 'rows_per_commit'):,.0f}"
                  f" rows a commit ({spread(produce, 'records_per_s')}), {ratio:.2f} of SQLite",
                  "0.85 of SQLite", ratio >= 0.85)
        c = median(consume, "records_per_s")
        table.add("consume, 100 B", f"{c:,.0f}/s", "3,000,000/s", c > 3e6)
        e = median(e2e, "records_per_s")
        table.add("produce and consume at once", f"{e:,.0f}/s, {e / p:.2f} of produce",
                  "0.8 of produce (aim 782,000/s)", e / p >= 0.8)
        big = median(large, "records_per_s")
        table.add("produce, 1,000 B", f"{big:,.0f}/s", "265,000/s", big > 265e3)
        peaks = {n: proc_status(pid, "VmHWM") for n, pid in cluster.processes().items()}
        table.add("peak memory under load", ", ".join(f"{n} {m:.0f} MiB" for n, m in peaks.items()),
                  "512 MiB a process", max(peaks.values()) < 512)


def measure_parallel(args, table, fresh):
    with fresh(3) as cluster:
        runs = []
        for i in range(args.rounds):
            say(f"four by four, round {i + 1} of {args.rounds}")
            runs.append(cluster.bench("e2e", messages=args.messages, partitions=4, producers=4,
                                      consumers=4))
        rate = median(runs, "records_per_s")
        table.add("4 producers, 4 partitions, 4 consumers", f"{rate:,.0f}/s", "600,000/s",
                  rate >= 600e3)


def measure_latency(args, table, fresh):
    with fresh(1) as cluster:
        slow, fast, hop, commit = [], [], [], []
        for i in range(args.rounds):
            say(f"latency, round {i + 1} of {args.rounds}")
            hop.append(cluster.bench("hop", messages=5000, rate=1000))
            commit.append(storage(args, messages=5000, batch=1, rate=1000))
            slow.append(cluster.bench("latency", rate=1000, messages=10000))
            fast.append(cluster.bench("latency", rate=10000, messages=100000))
        sums = {q: [h[q] + c[q] for h, c in zip(hop, commit)] for q in ("p50_ms", "p99_ms")}
        for q, most in (("p50_ms", 1.5), ("p99_ms", 2.0)):
            ratio = statistics.median(s[q] / t for s, t in zip(slow, sums[q]))
            table.add(f"1,000/s, publish to delivery, {q[:3]}",
                      f"{median(slow, q):.3f} ms, {ratio:.2f} of hop {median(hop, q):.3f} + commit "
                      f"{median(commit, q):.3f}", f"{most} of hop + commit", ratio <= most)
        p99 = median(fast, "p99_ms")
        table.add("10,000/s, publish to delivery, p99",
                  f"{p99:.3f} ms (p50 {median(fast, 'p50_ms'):.3f})", "1.1 ms", p99 < 1.1)


def measure_load(args, table, fresh):
    """All at once: three copies of everything, large records, and readers that are far behind."""
    with fresh(3) as cluster:
        say(f"a backlog of {args.backlog} records of 1,000 B")
        cluster.pinion("topic", "create", "backlog", "--partitions", "4")
        lines = subprocess.Popen(["sh", "-c", f"yes '{'x' * 999}' | head -n {args.backlog}"],
                                 stdout=subprocess.PIPE)
        subprocess.run([f"{args.programs}/pinion", "--broker", cluster.client, "produce",
                        "backlog"], stdin=lines.stdout, stdout=subprocess.DEVNULL, check=True)
        lines.wait()
        readers = [subprocess.Popen([f"{args.programs}/pinion", "--broker", cluster.client,
                                     "consume", "backlog", "--partition", str(i)],
                                    stdout=subprocess.DEVNULL) for i in range(4)]
        cluster.bench("e2e", messages=args.messages // 4, size=1000, partitions=16, producers=16,
                      consumers=4, replication=3)
        for reader in readers:
            if reader.wait(120) != 0:
                raise RuntimeError("a reader of the backlog failed")
        peaks = {n: proc_status(pid, "VmHWM") for n, pid in cluster.processes().items()}
        table.add("peak memory: 16 producers, 16 partitions, 3 replicas, 1,000 B, 4 readers behind",
                  ", ".join(f"{n} {m:.0f} MiB" for n, m in peaks.items()), "512 MiB a process",
                  max(peaks.values()) < 512)


def idle_share(args, cluster):
    cluster.pinion("topic", "create", "idle", "--partitions", "12")
    cluster.bench("produce", messages=200000, partitions=4)
    time.sleep(5)
    pids = cluster.processes()
    before = {n: cpu_seconds(p) for n, p in pids.items()}
    time.sleep(args.idle)
    used = {n: cpu_seconds(p) - before[n] for n, p in pids.items()}
    return sum(used.values()) / args.idle * 100


def measure_idle(args, table, fresh):
    shares, memories = [], []
    for i in range(args.rounds):
        say(f"idle for {args.idle} s, round {i + 1} of {args.rounds}")
        with fresh(3) as cluster:
            shares.append(idle_share(args, cluster))
        # Memory of processes that have had no load.
        with fresh(3) as cluster:
            cluster.pinion("topic", "create", "idle", "--partitions", "12")
            time.sleep(3)
            memories.append({n: proc_status(p, "VmRSS") for n, p in cluster.processes().items()})
    share = statistics.median(shares)
    table.add("idle, 3 nodes, 12 partitions", f"{share:.2f} % of a core ({min(shares):.2f} to "
              f"{max(shares):.2f})", "1 %", share < 1)
    memory = {n: statistics.median(m[n] for m in memories) for n in memories[0]}
    table.add("idle memory", ", ".join(f"{n} {m:.0f} MiB" for n, m in memory.items()),
              "64 MiB a process", max(memory.values()) <= 64)


def measure_many(args, table, fresh):
    starts, memories, files = [], [], []
    with fresh(1) as cluster:
        say("making 2,000 partitions")
        for i in range(20):
            cluster.pinion("topic", "create", f"many-{i}", "--partitions", "100")
        for i in range(args.rounds):
            say(f"2,000 partitions: start, and {args.idle_close} s until idle files are closed, "
                f"round {i + 1} of {args.rounds}")
            cluster.nodes[0].send_signal(signal.SIGTERM)
            cluster.nodes[0].wait(60)
            start = time.monotonic()
            cluster.start_node(1)
            cluster.wait(lambda s: s["nodes"][0]["health"] == "alive" and all(
                p["state"] == "online" for t in s["topics"] for p in t["partitions"]), 120)
            starts.append(time.monotonic() - start)
            time.sleep(args.idle_close)
            memories.append(proc_status(cluster.nodes[0].pid, "VmRSS"))
            files.append(len(os.listdir(f"/proc/{cluster.nodes[0].pid}/fd")))
    table.add("start with 2,000 partitions", f"{statistics.median(starts):.1f} s (most "
              f"{max(starts):.1f})", "5 s", statistics.median(starts) < 5)
    table.add("2,000 partitions, idle", f"{statistics.median(memories):.0f} MiB, "
              f"{max(files)} descriptors", "256 MiB", max(memories) < 256)


def run_parts(args, parts):
    """The parts that --only names, or all, each on clusters of its own in a folder that is removed
    at the end; prints the table. Ends the program: with 1 when a target was missed."""
    wanted = args.only.split(",") if args.only else list(parts)
    args.data = os.path.abspath(tempfile.mkdtemp(prefix="pinion-measure-", dir=args.data or "."))
    table = Table()
    count = 0

    def fresh(nodes):
        nonlocal count
        count += 1
        return Cluster(args.programs, f"{args.data}/{count}", nodes)

    try:
        for name in wanted:
            parts[name](args, table, fresh)
    finally:
        if table.rows:
            table.print()
        shutil.rmtree(args.data, ignore_errors=True)
    sys.exit(1 if any(r[3] == "MISSED" for r in table.rows) else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", default="build/bin")
    parser.add_argument("--data", help="a folder on the disk to measure (a temporary one here)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=2_000_000)
    parser.add_argument("--idle", type=int, default=30, help="seconds")
    parser.add_argument("--idle-close", type=int, default=75, help="seconds")
    parser.add_argument("--backlog", type=int, default=1_000_000, help="records of 1,000 B")
    parser.add_argument("--only", help="throughput, parallel, latency, load, idle, many")
    args = parser.parse_args()
    run_parts(args, {"throughput": measure_throughput, "parallel": measure_parallel,
                     "latency": measure_latency, "load": measure_load, "idle": measure_idle,
                     "many": measure_many})


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main()
