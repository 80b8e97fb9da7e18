"""The producer over HTTP, against a gateway that fails in every way: once, in order, and told."""

import os
import threading
import time
import unittest
from typing import List

from support import GatewayTest, Reports, wait_until

import pinion
from pinion import BufferFull, Closed, DeadlineExceeded, Fate, GatewayUnreachable
from pinion import InvalidArgument, Outcome, Producer, RecordTooLarge


def numbered(count: int) -> List[str]:
    return [f"message {number}" for number in range(count)]


class Sending(GatewayTest):
    def test_records_are_in_the_log_once_and_in_order(self) -> None:
        producer = self.producer(["t"])
        for value in numbered(5000):
            producer.send("t", value)
        counters = producer.stop()
        self.assertEqual(self.cluster.values("t"), numbered(5000))
        self.assertEqual((counters.sent, counters.acknowledged), (5000, 5000))
        self.assertEqual((counters.failed, counters.unknown, counters.waiting), (0, 0, 0))

    def test_many_records_share_a_request_and_a_connection(self) -> None:
        producer = self.producer(["t"])
        for value in numbered(5000):
            producer.send("t", value)
        producer.stop()
        self.assertLess(self.gateway.count("POST", "/records"), 500)
        self.assertLessEqual(self.gateway.connections, 2)  # One registers, one sends.

    def test_a_lone_record_leaves_at_once(self) -> None:
        producer = self.producer(["t"])
        producer.send("t", "alone")
        wait_until(lambda: self.cluster.values("t") == ["alone"], "it is there without a flush")

    def test_a_topic_that_was_not_named_registers_on_first_use(self) -> None:
        producer = self.producer()
        producer.send("new", b"bytes")
        producer.send("new", "text")
        producer.flush(10)
        self.assertEqual(self.cluster.values("new"), ["bytes", "text"])
        self.assertEqual(self.gateway.count("POST", "/producer/register"), 1)

    def test_the_same_key_goes_to_the_same_partition_in_order(self) -> None:
        self.cluster.create("t", 4)
        producer = self.producer(["t"])
        for number in range(400):
            producer.send("t", str(number), key=f"key-{number % 10}")
        producer.stop()
        places = {}
        for partition, log in enumerate(self.cluster.topics["t"].logs):
            for record in log:
                places.setdefault(record["key"], []).append((partition, int(record["value"])))
        self.assertEqual(len(places), 10)
        for found in places.values():
            self.assertEqual(len({partition for partition, _ in found}), 1)
            self.assertEqual(found, sorted(found))

    def test_records_without_a_key_use_all_partitions(self) -> None:
        self.cluster.create("t", 3)
        producer = self.producer(["t"], batch_records_max=10)
        for value in numbered(300):
            producer.send("t", value)
        producer.stop()
        self.assertEqual(sorted(self.cluster.all_values("t")), sorted(numbered(300)))
        for partition in range(3):
            self.assertTrue(self.cluster.values("t", partition))

    def test_a_record_carries_key_headers_time_and_partition(self) -> None:
        self.cluster.create("t", 3)
        producer = self.producer(["t"])
        report = producer.send_and_wait(
            "t", b"\xff", key="k", headers={"h": "v"}, partition=2, timestamp=1234
        )
        self.assertEqual((report.topic, report.partition, report.offset), ("t", 2, 0))
        record = self.cluster.topics["t"].logs[2][0]
        self.assertEqual(record["value_base64"], "/w==")
        self.assertEqual((record["key"], record["headers"]), ("k", [["h", "v"]]))
        self.assertEqual(record["timestamp"], 1234)

    def test_sends_from_many_threads_all_arrive(self) -> None:
        producer = self.producer(["a", "b"])

        def send(name: str) -> None:
            for number in range(500):
                producer.send("a" if number % 2 else "b", f"{name}-{number}")

        threads = [threading.Thread(target=send, args=(str(n),)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        producer.stop()
        self.assertEqual(len(set(self.cluster.values("a") + self.cluster.values("b"))), 2000)

    def test_lingering_makes_one_batch_of_slow_sends(self) -> None:
        producer = self.producer(["t"], linger=2)
        for value in numbered(10):
            producer.send("t", value)
            time.sleep(0.002)
        wait_until(lambda: len(self.cluster.values("t")) == 10, "the linger ends by itself")
        self.assertEqual(self.cluster.batches_taken, 1)


class Reporting(GatewayTest):
    def test_every_record_is_reported_with_its_offset(self) -> None:
        reports, own = Reports(), Reports()
        producer = self.producer(["t"], on_delivery=reports)
        for number, value in enumerate(numbered(100)):
            producer.send("t", value, on_delivery=own if number == 50 else None)
        producer.flush()
        self.assertEqual([r.message for r in reports.all], numbered(100))
        self.assertEqual([r.offset for r in reports.all], list(range(100)))
        self.assertTrue(all(reports.all))
        self.assertEqual([(r.message, r.offset) for r in own.all], [("message 50", 50)])

    def test_reports_of_a_partition_come_in_the_order_of_the_log(self) -> None:
        self.cluster.create("t", 2)
        reports = Reports()

        def slowly(report: pinion.DeliveryReport) -> None:
            reports(report)
            if report.offset is not None and report.offset % 10 == 0:
                time.sleep(0.001)

        producer = self.producer(["t"], on_delivery=slowly, batch_records_max=7)
        for number in range(300):
            producer.send("t", str(number), partition=number % 2)
        producer.stop()
        for partition in range(2):
            offsets = [r.offset for r in reports.all if r.partition == partition]
            self.assertEqual(offsets, list(range(150)))

    def test_a_callback_may_send_and_may_fail(self) -> None:
        producer = self.producer(["t"])

        def again(report: pinion.DeliveryReport) -> None:
            producer.send("t", "from the callback")
            raise ValueError("the callback's own trouble")

        with self.assertLogs("pinion", "ERROR") as logged:
            producer.send("t", "first", on_delivery=again)
            wait_until(lambda: len(self.cluster.values("t")) == 2, "the callback's record arrives")
        self.assertIn("callback", logged.output[0])

    def test_a_callback_may_not_wait(self) -> None:
        producer = self.producer(["t"])
        errors: List[str] = []

        def wrong(report: pinion.DeliveryReport) -> None:
            for call in (
                producer.flush,
                producer.stop,
                lambda: producer.send_and_wait("t", "x"),
                lambda: producer.send("new topic", "x"),
            ):
                try:
                    call()
                except InvalidArgument as error:
                    errors.append(str(error))

        producer.send("t", "x", on_delivery=wrong)
        producer.flush(10)
        self.assertEqual(len(errors), 4)

    def test_what_nobody_takes_note_of_is_logged(self) -> None:
        self.gateway.fault("unavailable", path="/records", times=1000)
        producer = self.producer(["t"], delivery_timeout=0.2)
        with self.assertLogs("pinion", "ERROR") as logged:
            producer.send("t", "x")
            producer.stop()
        self.assertIn("1 records for t were not acknowledged", logged.output[0])


class Faults(GatewayTest):
    def test_lost_answers_and_refusals_neither_lose_nor_duplicate(self) -> None:
        for kind in (
            "drop_before",
            "drop_after",
            "half_answer",
            "unavailable",
            "unavailable_after",
            "bad_gateway",
        ):
            with self.subTest(kind):
                topic = f"t-{kind}"
                reports = Reports()
                producer = self.producer([topic], on_delivery=reports, batch_records_max=10)
                self.gateway.fault(kind, path="/records", times=8, every=3)
                for value in numbered(200):
                    producer.send(topic, value)
                counters = producer.stop()
                self.gateway.heal()
                self.assertEqual(self.cluster.values(topic), numbered(200))
                self.assertEqual(counters.acknowledged, 200)
                self.assertGreater(counters.repeats, 5)
                self.assertEqual([r.offset for r in reports.all], list(range(200)))

    def test_a_repeat_is_sent_byte_for_byte(self) -> None:
        self.gateway.fault("drop_after", path="/records", times=3)
        producer = self.producer(["t"])
        producer.send_and_wait("t", "x", headers={"a": "b"})
        bodies = [p for m, path, p in self.gateway.requests if path.endswith("/records")]
        self.assertEqual(len(bodies), 4)
        self.assertTrue(all(body == bodies[0] for body in bodies))
        self.assertEqual(self.cluster.batches_repeated, 3)

    def test_a_gateway_that_is_killed_and_comes_back_is_waited_for(self) -> None:
        producer = self.producer(["t"], batch_records_max=50)
        for number, value in enumerate(numbered(3000)):
            if number in (700, 1500):
                self.gateway.stop()
            if number in (1100, 2200):
                self.gateway.start()
            producer.send("t", value)
        self.gateway.stop()
        self.gateway.start()
        counters = producer.stop()
        self.assertEqual(counters.acknowledged, 3000)
        self.assertEqual(self.cluster.values("t"), numbered(3000))

    def test_another_gateway_is_used_when_one_is_gone(self) -> None:
        other = self.new_gateway(self.cluster)
        producer = self.producer(["t"], broker=[self.gateway.address, other.address])
        producer.send_and_wait("t", "first")
        self.gateway.stop()
        producer.send_and_wait("t", "second")
        self.assertEqual(self.cluster.values("t"), ["first", "second"])
        self.assertEqual(other.count("POST", "/records"), 1)

    def test_a_silent_gateway_is_given_up_at_the_records_deadline(self) -> None:
        self.gateway.fault("slow", path="/records", seconds=6.0)
        producer = self.producer(["t"], delivery_timeout=0.2)
        begun = time.monotonic()
        with self.assertRaises(DeadlineExceeded) as raised:
            producer.send_and_wait("t", "x")
        self.assertLess(time.monotonic() - begun, 5)
        self.assertIs(raised.exception.fate, Fate.UNKNOWN)
        self.assertIn("delivery_timeout", str(raised.exception))

    def test_failed_is_said_only_of_what_is_certainly_not_in_the_log(self) -> None:
        reports = Reports()
        producer = self.producer(["t"], delivery_timeout=0.3, on_delivery=reports)
        self.gateway.fault("drop_after", path="/records", times=1000)
        producer.send("t", "doubt")
        producer.flush()
        self.gateway.stop()
        producer.send("t", "certain")
        counters = producer.stop()
        self.assertEqual(reports.by_outcome(), {"unknown": ["doubt"], "failed": ["certain"]})
        self.assertEqual((counters.unknown, counters.failed), (1, 1))
        self.assertIn("refused", str(reports.all[1].error))

    def test_after_a_doubt_the_order_goes_on(self) -> None:
        producer = self.producer(["t"], delivery_timeout=3)
        producer.send_and_wait("t", "a")
        self.gateway.fault("drop_before", path="/records", times=1000)
        with self.assertRaises(DeadlineExceeded):
            producer.send_and_wait("t", "never")
        self.gateway.heal()
        producer.send_and_wait("t", "b")
        self.assertEqual(self.cluster.values("t"), ["a", "b"])

    def test_an_id_that_the_cluster_has_forgotten_is_registered_again(self) -> None:
        producer = self.producer(["t"])
        producer.send_and_wait("t", "a")
        with self.cluster.lock:
            self.cluster.producers.clear()
            self.cluster.producers[99] = "something else"
        report = producer.send_and_wait("t", "b")
        self.assertEqual(report.offset, 1)
        self.assertEqual(self.cluster.values("t"), ["a", "b"])

    def test_only_the_record_that_is_too_large_fails(self) -> None:
        self.cluster.record_bytes_max = 1000
        reports = Reports()
        producer = self.producer(["t"], on_delivery=reports, linger=0.05)
        for number in range(50):
            producer.send("t", "x" * 2000 if number == 20 else str(number))
        producer.stop()
        self.assertEqual(self.cluster.values("t"), [str(n) for n in range(50) if n != 20])
        self.assertEqual([r for r in reports.all if not r][0].message, "x" * 2000)
        self.assertIsInstance([r for r in reports.all if not r][0].error, RecordTooLarge)

    def test_a_batch_that_a_gateway_finds_too_large_is_halved(self) -> None:
        self.gateway.body_bytes_max = 2000
        producer = self.producer(["t"], linger=0.05)
        values = [str(number) * 100 for number in range(10, 60)]
        for value in values:
            producer.send("t", value)
        self.assertEqual(producer.stop().acknowledged, 50)
        self.assertEqual(self.cluster.values("t"), values)

    def test_something_that_is_no_gateway_is_named(self) -> None:
        producer = self.producer(["t"], delivery_timeout=5)
        self.gateway.fault("garbage", path="/records")
        with self.assertRaisesRegex(pinion.ProtocolError, "is this the HTTP port"):
            producer.send_and_wait("t", "x")

    def test_many_partitions_and_faults_at_once(self) -> None:
        self.cluster.create("t", 5)
        producer = self.producer(["t"], batch_records_max=20)
        for kind in ("drop_after", "drop_before", "unavailable_after", "unavailable"):
            self.gateway.fault(kind, path="/records", times=20, every=5)
        for number in range(4000):
            producer.send("t", str(number), key=str(number % 17))
        counters = producer.stop()
        self.assertEqual(counters.acknowledged, 4000)
        values = self.cluster.all_values("t")
        self.assertEqual(sorted(map(int, values)), list(range(4000)))
        for log in self.cluster.topics["t"].logs:
            for key in {record["key"] for record in log}:
                own = [int(r["value"]) for r in log if r["key"] == key]
                self.assertEqual(own, sorted(own))


class Bounds(GatewayTest):
    def test_a_full_buffer_makes_send_wait_and_then_says_so(self) -> None:
        self.gateway.fault("unavailable", path="/records", times=100_000)
        producer = self.producer(["t"], buffer_bytes_max=2000, block_timeout=0.2)
        begun = time.monotonic()
        with self.assertRaisesRegex(BufferFull, "buffer_bytes_max"):
            for _ in range(1000):
                producer.send("t", "x" * 100)
        self.assertGreater(time.monotonic() - begun, 0.15)
        self.assertFalse(producer.can_send())
        self.gateway.heal()
        wait_until(producer.can_send, "there is room again")

    def test_a_full_buffer_empties_and_send_goes_on(self) -> None:
        producer = self.producer(["t"], buffer_bytes_max=20_000)
        for value in numbered(3000):
            producer.send("t", value)
        self.assertEqual(producer.stop().acknowledged, 3000)
        self.assertEqual(self.cluster.values("t"), numbered(3000))

    def test_a_flush_ends_by_its_timeout(self) -> None:
        self.gateway.fault("unavailable", path="/records", times=100_000)
        producer = self.producer(["t"])
        producer.send("t", "x")
        with self.assertRaisesRegex(DeadlineExceeded, "1 records are still on their way"):
            producer.flush(0.1)

    def test_stop_with_a_timeout_reports_the_rest_at_once(self) -> None:
        self.gateway.fault("unavailable", path="/records", times=100_000)
        reports = Reports()
        producer = self.producer(["t"], on_delivery=reports)
        producer.send("t", "x")
        counters = producer.stop(0.1)
        self.assertEqual(len(reports.all), 1)
        self.assertEqual(counters.failed + counters.unknown, 1)
        self.assertIsInstance(reports.all[0].error, Closed)
        self.assertIs(reports.all[0].outcome, Outcome.UNKNOWN)  # A 503 may have been too late.

    def test_after_stop_nothing_is_taken(self) -> None:
        producer = self.producer(["t"])
        producer.stop()
        self.assertFalse(producer.can_send())
        for topic in ("t", "new"):
            with self.assertRaises(Closed):
                producer.send(topic, "x")
        self.assertEqual(producer.stop().sent, 0)

    def test_leaving_the_with_block_delivers_everything(self) -> None:
        with Producer(["t"], self.gateway.address) as producer:
            producer.send("t", "x")
        self.assertEqual(self.cluster.values("t"), ["x"])

    def test_no_gateway_is_said_with_what_to_do(self) -> None:
        self.gateway.stop()
        with self.assertRaisesRegex(GatewayUnreachable, "pinion up --http"):
            Producer(["t"], self.gateway.address, block_timeout=0.2)
        with self.assertRaises(ConnectionError):
            Producer(["t"], self.gateway.address, block_timeout=0.0)

    def test_a_stop_while_gateways_answer_503_does_not_say_that_there_is_none(self) -> None:
        producer = self.producer([])
        self.gateway.fault("unavailable", path="/producer/register", times=100_000)
        timer = threading.Timer(0.3, producer.stop)
        timer.start()
        self.addCleanup(timer.join)
        with self.assertRaises(DeadlineExceeded) as raised:
            producer.send("t", "x")
        self.assertNotIsInstance(raised.exception, GatewayUnreachable)

    def test_a_producer_may_start_before_the_gateway(self) -> None:
        self.gateway.stop()
        timer = threading.Timer(0.3, self.gateway.start)
        timer.start()
        self.addCleanup(timer.join)
        producer = self.producer(["t"])
        producer.send_and_wait("t", "x")

    def test_arguments_out_of_range_are_refused_with_the_range(self) -> None:
        for name, value in {
            "delivery_timeout": 0,
            "linger": -1,
            "batch_records_max": 20_000,
            "batch_bytes_max": 0,
            "buffer_bytes_max": "1 MB",
            "block_timeout": None,
            "connections": 0,
        }.items():
            with self.subTest(name), self.assertRaisesRegex(InvalidArgument, name):
                Producer([], self.gateway.address, **{name: value})
        for topics in ([""], [None], [5]):
            with self.subTest(topics), self.assertRaises(InvalidArgument):
                Producer(topics, self.gateway.address)  # type: ignore[arg-type]
        producer = self.producer("one name, not letters")
        self.assertEqual(list(self.cluster.topics), ["one name, not letters"])
        for partition in (-1, 1, 1.0, True, "0"):
            with self.subTest(partition), self.assertRaises(InvalidArgument):
                producer.send("one name, not letters", "x", partition=partition)
        with self.assertRaises(InvalidArgument):
            producer.send("one name, not letters", {"a": 1})  # type: ignore[arg-type]


class Processes(GatewayTest):
    def test_a_producer_made_before_a_fork_says_so_in_the_child(self) -> None:
        producer = self.producer(["t"])
        producer.send_and_wait("t", "parent")
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(writer, self.in_the_child(producer).encode())
            finally:
                os._exit(0)
        os.close(writer)
        os.waitpid(child, 0)
        said = os.read(reader, 1000).decode()
        os.close(reader)
        self.assertRegex(said, "make one after the fork False")
        producer.send_and_wait("t", "parent again")
        self.assertEqual(self.cluster.values("t"), ["parent", "child's own", "parent again"])

    def in_the_child(self, producer: Producer) -> str:
        try:
            producer.send("t", "child")
            return "it was taken"
        except Closed as error:
            with Producer(["t"], self.gateway.address) as own:
                own.send("t", "child's own")
            can = producer.can_send()
            producer.stop()
            return f"{error} {can}"


if __name__ == "__main__":
    unittest.main()
