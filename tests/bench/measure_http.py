#!/usr/bin/env python3
"""Measures the HTTP gateway by wrk on loopback: broker, partition broker and gateway as separate
processes, a fresh data folder, each figure the median of several rounds that take turns.

    tests/bench/measure_http.py [--programs build/bin] [--rounds 3] [--seconds 8]

Prints a table on stdout. Needs a release build, python3, wrk.
"""
import argparse
import concurrent.futures
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import urllib.request

from measure import Cluster, Table, free_port, proc_status, say

MESSAGE = "m" * 100


def ask(address, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data=data, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


class Wrk:
    """wrk with a script; what it prints, as numbers."""

    def __init__(self, folder, address, seconds):
        self.folder, self.address, self.seconds = folder, address, seconds

    def run(self, script, connections):
        path = os.path.join(self.folder, "wrk.lua")
        with open(path, "w") as file:
            file.write(script)
        done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{self.seconds}s", "--latency",
                               "-s", path, self.address], capture_output=True, text=True, check=True)
        if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
            raise RuntimeError(done.stdout)
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))
        value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout).groups()
        return rate, float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def enqueue_script(pause_ms=None):
    body = json.dumps({"topic": "http", "producer_id": 1, "message": MESSAGE})
    pause = f"function delay() return {pause_ms} end\n" if pause_ms else ""
    return (f"wrk.method='POST'\nwrk.path='/producer/produce'\nwrk.body='{body}'\n"
            f"wrk.headers['Content-Type']='application/json'\n{pause}")


def dequeue_script(consumers):
    return (f"local n = 0\nfunction request()\n  n = n + 1\n"
            f"  return wrk.format('GET', '/consumer/consume?topic=http&consumer_id='"
            f" .. (1 + n % {consumers}))\nend\n")


def batches(address, seconds):
    """Batches of 500 over one connection, as the Python library sends them."""
    import http.client
    import time
    host, port = address.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    records = [MESSAGE] * 500
    sent = 0
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        body = json.dumps({"records": records, "producer_id": 1, "partition": 0,
                           "sequence": sent}, separators=(",", ":"))
        connection.request("POST", "/topics/http/records", body)
        answer = json.loads(connection.getresponse().read())
        if answer["status"] != "success":
            raise RuntimeError(answer)
        sent += 500
    return sent / (time.monotonic() - begin)


def measure(args, folder, figures):
    with Cluster(args.programs, os.path.join(folder, "data"), 1) as cluster:
        port = free_port()
        config = os.path.join(folder, "gateway.toml")
        with open(config, "w") as file:
            file.write(f'broker = "{cluster.client}"\nbinds = ["127.0.0.1:{port}"]\n')
        address = f"http://127.0.0.1:{port}"
        with subprocess.Popen([f"{args.programs}/pinion-gateway", config], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as gateway:
            try:
                gateway.stdout.readline()
                ask(address, "POST", "/topics", {"topic": "http"})
                ask(address, "POST", "/producer/register", {"topic": "http"})
                with concurrent.futures.ThreadPoolExecutor() as pool:
                    for _ in range(64):
                        pool.submit(ask, address, "POST", "/consumer/register", {"topic": "http"})
                wrk = Wrk(folder, address, args.seconds)
                figures["latency"].append(wrk.run(enqueue_script(pause_ms=10), 11))
                figures["enqueue"].append(wrk.run(enqueue_script(), 64)[0])
                figures["dequeue"].append(wrk.run(dequeue_script(64), 64)[0])
                figures["batches"].append(batches(address, args.seconds))
                figures["memory"].append(proc_status(gateway.pid, "VmRSS"))
            finally:
                gateway.terminate()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", default="build/bin")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=8)
    args = parser.parse_args()
    figures = {name: [] for name in ("latency", "enqueue", "dequeue", "batches", "memory")}
    for number in range(args.rounds):
        say(f"round {number + 1} of {args.rounds}")
        with tempfile.TemporaryDirectory(prefix="pinion-http-") as folder:
            measure(args, folder, figures)
    median = statistics.median
    table = Table()
    enqueue, dequeue = median(figures["enqueue"]), median(figures["dequeue"])
    rate = median(rate for rate, _ in figures["latency"])
    p99 = median(p99 for _, p99 in figures["latency"])
    table.add("enqueue, durable, 64 connections", f"{enqueue:,.0f}/s", "15,000/s", enqueue >= 15e3)
    table.add("dequeue, durable, 64 connections", f"{dequeue:,.0f}/s", "10,000/s", dequeue >= 10e3)
    table.add(f"enqueue at {rate:,.0f}/s, p99", f"{p99:.2f} ms", "3 ms", p99 < 3)
    table.add("batches of 500, one connection", f"{median(figures['batches']):,.0f} messages/s",
              "100,000 messages/s", median(figures["batches"]) >= 100e3)
    table.add("gateway's memory after it", f"{median(figures['memory']):.0f} MiB", "512 MiB",
              median(figures["memory"]) < 512)
    table.print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
