"""The library against a real cluster, whole and killed with kill -9: counted to the last record.

PINION_E2E_LONG=1 makes the runs ten times as long.
"""

import os
import pathlib
import subprocess
import sys
import threading
import time
import unittest
from collections import Counter
from typing import Any, Dict, List

from support import ROOT, Reports

import pinion
from cluster import Cluster, GatewayProcess
from load import LONG, counted
from myqueue import MyConsumer, MyProducer
from pinion import Admin, Consumer, InvalidArgument, Message, Producer, QueryError
from pinion import RecordTooLarge, TopicExists, UnknownId, UnknownTopic


class Whole(unittest.TestCase):
    """One cluster for all; each test has topics of its own."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.start()
        cls.broker = cls.cluster.gateways[0]
        cls.admin = Admin(cls.cluster.gateways)
        cls.addClassCleanup(cls.admin.close)

    def test_the_program_of_the_interface_runs_as_it_stands(self) -> None:
        for form in ("%s", "http://%s", "http://%s/"):
            broker = form % self.broker
            producer = MyProducer(topics=["topic1", "topic2"], broker=broker)
            sent = 0
            while producer.can_send() and sent < 10:
                producer.send("topic1", b"DEBUG: This is a log message!")
                producer.send("topic2", "text")
                sent += 1
            producer.stop()
        consumer = MyConsumer(topics=["topic1", "topic2"], broker=broker)
        messages = take(consumer, 60) + list(consumer.get_next(timeout=0.5))
        seen = Counter((msg.topic, msg.message) for msg in messages)
        consumer.stop()
        self.assertEqual(
            seen, {("topic1", "DEBUG: This is a log message!"): 30, ("topic2", "text"): 30}
        )

    def test_every_kind_of_record_comes_back_as_it_was(self) -> None:
        self.admin.create_topic("kinds", 3)
        sent: List[Dict[str, Any]] = [
            {"message": ""},
            {"message": "tab\t newline\n nul\0 snow \u2603 crab \U0001f980"},
            {"message": bytes(range(256))},
            {"message": "v", "key": "k"},
            {"message": "v", "key": b"\xff\xfe"},
            {"message": "v", "key": ""},
            {"message": "v", "headers": [("a", "1"), ("a", b"\xff"), ("b", "")]},
            {"message": "v", "timestamp": 1_234_567_890_123_456},
            {"message": "v", "partition": 2, "headers": {"x": "y"}, "key": "all"},
            {"message": "x" * 500_000},
        ]
        with Producer(["kinds"], self.broker) as producer:
            for record in sent:
                report = producer.send_and_wait("kinds", **record)
                read = self.admin.read("kinds", report.partition, report.offset, records_max=1)
                message = read.messages[0]
                with self.subTest(str(record)[:80]):
                    self.assertEqual(message.value, as_bytes(record["message"]))
                    key = record.get("key")
                    self.assertEqual(message.key_bytes, None if key is None else as_bytes(key))
                    headers = record.get("headers", [])
                    headers = list(headers.items()) if isinstance(headers, dict) else headers
                    self.assertEqual(message.headers, headers)
                    if "timestamp" in record:
                        self.assertEqual(message.timestamp, record["timestamp"])
                    if "partition" in record:
                        self.assertEqual(message.partition, record["partition"])

    def test_many_records_of_one_key_stay_in_order_over_partitions(self) -> None:
        self.admin.create_topic("many", 4)
        reports = Reports()
        with Producer(["many"], self.broker, on_delivery=reports) as producer:
            for number in range(20_000):
                producer.send("many", str(number), key=str(number % 50))
        self.assertEqual({str(report.outcome) for report in reports.all}, {"acknowledged"})
        with Consumer(["many"], self.broker) as consumer:
            messages = take(consumer, 20_000)
            self.assertEqual(consumer.poll(1, timeout=0.2), [])
        self.assertEqual(sorted(int(m.message) for m in messages), list(range(20_000)))
        by_key: Dict[Any, List[Message]] = {}
        for message in messages:
            by_key.setdefault(message.key, []).append(message)
        for own in by_key.values():
            self.assertEqual(len({m.partition for m in own}), 1)
            self.assertEqual(own, sorted(own, key=lambda m: int(m.message)))

    def test_a_record_without_a_key_and_a_key_agree_with_the_other_clients(self) -> None:
        self.admin.create_topic("hashed", 5)
        with Producer(["hashed"], self.broker) as producer:
            for key in ("ann", "bob", "kim"):
                producer.send("hashed", "from Python", key=key)
        # A batch without a producer is hashed by the gateway, that is by the C++ library.
        for message in take(Consumer(["hashed"], self.broker), 3):
            gateway = pinion._gateway.Gateway(pinion._gateway.Gateways(self.broker))
            answer = gateway.call(
                "POST",
                "/topics/hashed/records",
                {"records": [{"value": "from C++", "key": message.key}]},
                deadline=time.monotonic() + 10,
            )
            self.assertEqual(answer["partition_ids"], [message.partition])

    def test_a_consumer_goes_on_where_its_ids_stopped(self) -> None:
        with Producer(["resume"], self.broker) as producer:
            for number in range(100):
                producer.send("resume", str(number))
        with Consumer(["resume"], self.broker) as first:
            self.assertEqual(first.size(), 100)
            take(first, 40)
        with Consumer(broker=self.cluster.gateways[1], consumer_ids=first.consumer_ids) as second:
            self.assertEqual(second.size(), 60)
            self.assertEqual(second.poll(1)[0].message, "40")

    def test_shared_consumers_divide_the_messages(self) -> None:
        self.admin.create_topic("shared", 3)
        with Producer(["shared"], self.broker) as producer:
            for number in range(600):
                producer.send("shared", str(number), partition=number % 3)
        first = Consumer(["shared"], self.broker, shared=True)
        seen: List[List[Message]] = [[], [], []]

        def work(number: int) -> None:
            broker = self.cluster.gateways[number % 2]
            with Consumer(broker=broker, consumer_ids=first.consumer_ids, shared=True) as mine:
                until = time.monotonic() + 60
                while sum(map(len, seen)) < 600 and time.monotonic() < until:
                    seen[number] += mine.poll(200, timeout=0.2)

        run_all([threading.Thread(target=work, args=(number,)) for number in range(3)])
        together = sorted(int(m.message) for own in seen for m in own)
        self.assertEqual(together, list(range(600)))
        self.assertEqual(first.size(), 0)
        first.stop()

    def test_a_new_message_comes_at_once(self) -> None:
        self.admin.create_topic("fast", 2)
        with Consumer(["fast"], self.broker) as consumer, Producer(["fast"], self.broker) as p:
            self.assertEqual(consumer.poll(1, timeout=0.3), [])
            took = []
            for number in range(20):
                begun = time.monotonic()
                p.send("fast", str(number))
                self.assertEqual(consumer.poll(1, timeout=5)[0].message, str(number))
                took.append(time.monotonic() - begun)
        self.assertLess(sorted(took)[10], 2)  # And not only with the end of a long poll.

    def test_refusals_are_errors_of_their_own(self) -> None:
        self.admin.create_topic("refusals", 2)
        with self.assertRaisesRegex(TopicExists, "Topic 'refusals' already exists"):
            self.admin.create_topic("refusals")
        with self.assertRaises(UnknownTopic):
            Consumer(["nowhere"], self.broker)
        with self.assertRaises(UnknownTopic):
            self.admin.read("nowhere")
        with self.assertRaises(InvalidArgument):
            self.admin.create_topic("not a name/")
        with self.assertRaises(UnknownId):
            Consumer(broker=self.broker, consumer_ids={"refusals": 999_999})
        with self.assertRaises(QueryError):
            self.admin.query("refusals", "selekt")
        with self.assertRaises(QueryError):
            self.admin.query("refusals", "delete from messages")
        with self.assertRaises(pinion.OffsetOutOfRange):
            self.admin.read("refusals", 0, 5)

    def test_only_the_record_that_is_too_large_fails(self) -> None:
        reports = Reports()
        with Producer(["large"], self.broker, on_delivery=reports, linger=0.05) as producer:
            for number in range(20):
                producer.send("large", "x" * 2_000_000 if number == 10 else str(number))
        bad = [report for report in reports.all if not report]
        self.assertEqual(len(bad), 1)
        self.assertIsInstance(bad[0].error, RecordTooLarge)
        self.assertEqual(len(bad[0].message), 2_000_000)
        messages = [m.message for m in self.admin.read("large").messages]
        self.assertEqual(messages, [str(n) for n in range(20) if n != 10])

    def test_sql_reads_what_was_sent(self) -> None:
        self.admin.create_topic("sql", 2)
        with Producer(["sql"], self.broker) as producer:
            for number in range(10):
                producer.send("sql", f'{{"n":{number}}}', key="k", partition=number % 2)
        result = self.admin.query("sql", "select offset, value from readable order by offset")
        self.assertEqual(len(result.rows), 10)
        sums = self.admin.query("sql", "select sum(json->>'n') as n from readable").dicts()
        self.assertEqual(sorted(row["n"] for row in sums), [20, 25])
        one = self.admin.query("sql", "select count(*) from readable", partition=1)
        self.assertEqual(one.rows, [[5]])

    def test_a_topic_that_is_made_anew_is_a_new_one(self) -> None:
        reports = Reports()
        producer = Producer(["anew"], self.broker, on_delivery=reports, delivery_timeout=10)
        producer.send("anew", "before")
        producer.flush()
        self.admin.delete_topic("anew")
        self.assertNotIn("anew", self.admin.list_topics())
        self.admin.create_topic("anew")
        producer.send("anew", "after")
        producer.stop()
        self.assertEqual([str(r.outcome) for r in reports.all], ["acknowledged"] * 2)
        self.assertEqual([m.message for m in self.admin.read("anew").messages], ["after"])

    def test_the_examples_run(self) -> None:
        self.admin.create_topic("examples", 2)
        sent = "ann:apples\nbob:pears\nplain\n"
        script(self.broker, "produce.py", "examples", "--key-separator", ":", text=sent)
        shown = script(self.broker, "consume.py", "examples", "--timeout", "3")
        self.assertEqual(
            sorted(line.split("\t")[1:] for line in shown.splitlines()),
            [["-", "plain"], ["ann", "apples"], ["bob", "pears"]],
        )
        done = script(self.broker, "work.py", "examples", "--timeout", "3")
        self.assertEqual(
            sorted(line.split()[-1] for line in done.splitlines()), ["apples", "pears", "plain"]
        )

    def test_a_program_that_forgets_to_stop_still_delivers(self) -> None:
        code = (
            "import sys; from myqueue import MyProducer\n"
            "p = MyProducer(['forgot'], sys.argv[1])\n"
            "for n in range(5000): p.send('forgot', str(n))\n"
        )
        python("-c", code, self.broker)
        result = self.admin.query("forgot", "select count(*), count(distinct value) from readable")
        self.assertEqual(result.rows, [[5000, 5000]])


class Killed(unittest.TestCase):
    """kill -9, again and again, under load."""

    def test_with_the_whole_cluster_killed_every_record_is_there_and_read_once(self) -> None:
        cluster = Cluster()
        self.addCleanup(cluster.close)
        cluster.start()
        with counted(self, cluster.gateways) as load:
            for _ in range(2 * LONG):
                load.go_on()
                cluster.kill()
                time.sleep(0.3)  # Long enough for every client to see that nobody is there.
                cluster.start()

    def test_with_gateways_killed_every_record_is_there_and_read_once(self) -> None:
        cluster = Cluster(gateways=0)
        self.addCleanup(cluster.close)
        cluster.start()
        gateways = [GatewayProcess(cluster), GatewayProcess(cluster)]
        for gateway in gateways:
            self.addCleanup(gateway.close)
            gateway.start()
        cluster.gateways = [gateway.address for gateway in gateways]
        with counted(self, cluster.gateways) as load:
            for number in range(2 * LONG):
                load.go_on()
                gateways[number % 2].kill()
                time.sleep(0.1)
                gateways[number % 2].start()


def as_bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else value


def take(consumer: Consumer, count: int) -> List[Message]:
    messages: List[Message] = []
    for message in consumer.get_next(timeout=10):
        messages.append(message)
        if len(messages) == count:
            break
    return messages


def run_all(threads: List[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def python(*arguments: str, text: str = "") -> str:
    # Others copy the package's folder at the same time.
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "python"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        input=text,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode != 0:
        raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def script(broker: str, name: str, *arguments: str, text: str = "") -> str:
    path = pathlib.Path(ROOT, "python", "examples", name)
    return python(str(path), *arguments, "--broker", broker, text=text)


if __name__ == "__main__":
    unittest.main()
