"""The consumer over HTTP, alone and shared: every message once, in order, whatever is lost."""

import itertools
import threading
import time
import unittest
from typing import List
from unittest import mock

from support import GatewayTest, wait_until

import pinion
from pinion import Closed, Consumer, GatewayUnreachable, InvalidArgument, OffsetOutOfRange
from pinion import ProtocolError, UnknownId, UnknownPartition, UnknownTopic, _reading
from pinion import consumer as consumer_module


def texts(messages: "List[pinion.Message]") -> List[str]:
    return [message.message for message in messages]


class Reading(GatewayTest):
    def test_messages_come_from_the_oldest_on_in_order(self) -> None:
        values = [str(number) for number in range(5000)]
        self.fill("t", values)
        messages = list(self.consumer(["t"]).get_next(timeout=0.2))
        self.assertEqual(texts(messages), values)
        self.assertEqual([m.offset for m in messages], list(range(5000)))
        self.assertEqual({(m.topic, m.partition) for m in messages}, {("t", 0)})

    def test_get_next_waits_for_new_messages(self) -> None:
        self.fill("t", [])
        consumer = self.consumer(["t"])
        timer = threading.Timer(0.3, lambda: self.fill("t", ["late"]))
        timer.start()
        self.addCleanup(timer.join)
        begun = time.monotonic()
        self.assertEqual(next(consumer.get_next()).message, "late")
        self.assertGreater(time.monotonic() - begun, 0.2)

    def test_a_new_message_is_handed_out_at_once_in_any_of_many_topics(self) -> None:
        names = [f"t{number}" for number in range(10)]
        for name in names:
            self.fill(name, [])
        consumer = self.consumer(names)
        messages = consumer.get_next()
        for name in names:
            sent = threading.Timer(0.05, lambda name=name: self.fill(name, [name]))
            sent.start()
            begun = time.monotonic()
            self.assertEqual(next(messages).message, name)
            self.assertLess(time.monotonic() - begun, 0.5)
            sent.join()

    def test_get_next_ends_after_its_timeout_without_a_message(self) -> None:
        self.fill("t", ["a", "b"])
        consumer = self.consumer(["t"])
        begun = time.monotonic()
        self.assertEqual(texts(list(consumer.get_next(timeout=0.3))), ["a", "b"])
        self.assertTrue(0.25 < time.monotonic() - begun < 2)
        self.assertEqual(list(consumer.get_next(timeout=0)), [])
        self.fill("t", ["c"])
        self.assertEqual(texts(list(consumer.get_next(timeout=0.3))), ["c"])

    def test_topics_take_turns(self) -> None:
        self.fill("loud", [f"loud {n}" for n in range(3000)])
        self.fill("quiet", [f"quiet {n}" for n in range(20)])
        consumer = self.consumer(["loud", "quiet"])
        wait_until(lambda: self._pumped(consumer), "both have been read")
        first = texts(list(itertools.islice(consumer.get_next(timeout=1), 40)))
        self.assertEqual(sum(1 for text in first if text.startswith("quiet")), 20)

    def _pumped(self, consumer: Consumer) -> bool:
        consumer._pump(0.05)
        return all(s.messages for one in consumer._turn for s in one.sources.sources)

    def test_a_busy_topic_does_not_hide_what_comes_to_another(self) -> None:
        self.fill("loud", [str(n) for n in range(20_000)])
        self.fill("quiet", [])
        consumer = self.consumer(["loud", "quiet"])
        seen = 0
        for message in consumer.get_next(timeout=5):
            seen += 1
            if seen == 100:
                self.fill("quiet", ["hello"])
            if message.topic == "quiet":
                break
            time.sleep(0.0002)
        self.assertLess(seen, 3000)

    def test_one_topic_alone_can_be_asked_for(self) -> None:
        self.fill("a", ["a1", "a2"])
        self.fill("b", ["b1"])
        consumer = self.consumer(["a", "b"])
        self.assertEqual(texts(list(consumer.get_next("b", timeout=0.2))), ["b1"])
        self.assertEqual(texts(list(consumer.get_next("a", timeout=0.2))), ["a1", "a2"])

    def test_a_topic_that_was_not_named_is_subscribed_to_on_first_use(self) -> None:
        self.fill("a", ["a1"])
        consumer = self.consumer()
        self.assertEqual(texts(list(consumer.get_next("a", timeout=0.2))), ["a1"])

    def test_partitions_all_come_each_in_order(self) -> None:
        for partition in range(4):
            values = [f"{partition}:{n}" for n in range(700)]
            self.fill("t", values, partition=partition, partitions=4)
        messages = list(self.consumer(["t"], records_max=100).get_next(timeout=0.3))
        self.assertEqual(len(messages), 2800)
        for partition in range(4):
            own = [m.offset for m in messages if m.partition == partition]
            self.assertEqual(own, list(range(700)))

    def test_more_partitions_than_connections_take_turns_in_waiting(self) -> None:
        before, _reading.CONNECTIONS_MAX = _reading.CONNECTIONS_MAX, 4
        self.addCleanup(setattr, _reading, "CONNECTIONS_MAX", before)
        for partition in range(12):
            self.fill("t", [str(partition)], partition=partition, partitions=12)
        consumer = self.consumer(["t"])
        messages = consumer.get_next(timeout=5)
        self.assertEqual({next(messages).message for _ in range(12)}, set(map(str, range(12))))
        self.fill("t", ["new"], partition=11)
        self.assertEqual(next(messages).message, "new")
        self.assertLessEqual(self.gateway.connections, 5)

    def test_poll_takes_what_is_there_up_to_a_number(self) -> None:
        self.fill("t", [str(n) for n in range(10)])
        consumer = self.consumer(["t"])
        self.assertEqual(texts(consumer.poll(4)), ["0", "1", "2", "3"])
        self.assertEqual(texts(consumer.poll(100)), ["4", "5", "6", "7", "8", "9"])
        self.assertEqual(consumer.poll(100, timeout=0.05), [])
        with self.assertRaises(InvalidArgument):
            consumer.poll(0)

    def test_idle_waiting_costs_few_requests(self) -> None:
        self.fill("t", [])
        consumer = self.consumer(["t"])
        list(consumer.get_next(timeout=1.0))
        self.assertLessEqual(self.gateway.count("GET", "/records"), 2)

    def test_other_calls_come_through_while_a_reader_waits(self) -> None:
        self.fill("t", [])
        consumer = self.consumer(["t"])
        reader = threading.Thread(target=lambda: list(consumer.get_next()))
        reader.start()
        for _ in range(5):
            begun = time.monotonic()
            self.assertEqual(consumer.size(), 0)
            self.assertLess(time.monotonic() - begun, 1.0)
        consumer.stop()
        reader.join(5)
        self.assertFalse(reader.is_alive())

    def test_a_reader_that_waits_its_turn_while_the_consumer_is_stopped_ends(self) -> None:
        self.fill("t", ["x"])
        consumer = self.consumer(["t"])
        seen: List[object] = []

        def read() -> None:
            try:
                seen.append(list(consumer.get_next()))
            except BaseException as error:
                seen.append(error)

        reader = threading.Thread(target=read)
        with consumer._lock:
            reader.start()
            time.sleep(0.05)
            consumer.stop()
        reader.join(5)
        self.assertEqual(seen, [[]])

    def test_stop_in_another_thread_ends_the_loop(self) -> None:
        self.fill("t", ["x"])
        consumer = self.consumer(["t"])
        timer = threading.Timer(0.3, consumer.stop)
        timer.start()
        begun = time.monotonic()
        self.assertEqual(texts(list(consumer.get_next())), ["x"])
        self.assertLess(time.monotonic() - begun, 5)
        timer.join()
        self.assertEqual(list(consumer.get_next(timeout=1)), [])


class Faults(GatewayTest):
    def test_lost_answers_neither_lose_nor_repeat(self) -> None:
        values = [str(n) for n in range(3000)]
        self.fill("t", values)
        for kind in ("drop_before", "drop_after", "half_answer", "unavailable", "bad_gateway"):
            with self.subTest(kind):
                self.gateway.fault(kind, path="/records", times=10, every=3)
                consumer = self.consumer(["t"], records_max=50)
                seen = list(itertools.islice(consumer.get_next(timeout=5), len(values)))
                self.assertEqual(texts(seen), values)
                self.assertEqual(consumer.poll(1, timeout=0.1), [])
                self.gateway.heal()
                consumer.stop()

    def test_a_gateway_that_is_killed_is_waited_for(self) -> None:
        self.fill("t", [str(n) for n in range(500)])
        consumer = self.consumer(["t"], records_max=20)
        seen = []
        for message in itertools.islice(consumer.get_next(timeout=10), 500):
            seen.append(message.message)
            if len(seen) in (100, 300):
                self.gateway.stop()
                timer = threading.Timer(0.2, self.gateway.start)
                timer.start()
                self.addCleanup(timer.join)
        self.assertEqual(seen, [str(n) for n in range(500)])

    def test_another_gateway_is_used_when_one_is_gone(self) -> None:
        other = self.new_gateway(self.cluster)
        self.fill("t", ["a"])
        consumer = self.consumer(["t"], broker=f"{self.gateway.address},{other.address}")
        messages = consumer.get_next(timeout=5)
        self.assertEqual(next(messages).message, "a")
        self.gateway.stop()
        self.fill("t", ["b"])
        self.assertEqual(next(messages).message, "b")

    def test_a_reader_that_waits_for_the_cluster_says_why(self) -> None:
        before, consumer_module._TROUBLE_TOLD_AFTER = consumer_module._TROUBLE_TOLD_AFTER, 0.2
        self.addCleanup(setattr, consumer_module, "_TROUBLE_TOLD_AFTER", before)
        self.fill("t", [])
        for shared in (False, True):
            with self.subTest(shared=shared):
                consumer = self.consumer(["t"], shared=shared)
                self.assertEqual(consumer.poll(1, timeout=0.05), [])
                self.gateway.stop()
                with self.assertLogs("pinion", "WARNING") as logged:
                    self.assertEqual(list(consumer.get_next(timeout=1.5)), [])
                self.assertEqual(len(logged.output), 1)
                self.assertIn("refused", logged.output[0])
                self.gateway.start()
                consumer.stop()

    def test_a_topic_that_does_not_exist_is_said(self) -> None:
        with self.assertRaisesRegex(UnknownTopic, "'nowhere' does not exist; .*create_topic"):
            self.consumer(["nowhere"])

    def test_an_id_that_is_not_registered_is_said(self) -> None:
        self.fill("t", [])
        with self.assertRaisesRegex(UnknownId, "77 of topic 't'; leave it out"):
            self.consumer(consumer_ids={"t": 77})

    def test_a_topic_that_is_deleted_is_said_once_and_others_go_on(self) -> None:
        self.fill("a", ["a1"])
        self.fill("b", ["b1"])
        consumer = self.consumer(["a", "b"])
        self.assertEqual(sorted(texts(list(consumer.get_next(timeout=0.2)))), ["a1", "b1"])
        with self.cluster.lock:
            del self.cluster.topics["b"]
            self.cluster.lock.notify_all()
        with self.assertRaises(UnknownTopic):
            list(consumer.get_next(timeout=3))
        self.fill("a", ["a2"])
        self.assertEqual(next(consumer.get_next(timeout=3)).message, "a2")

    def test_no_gateway_is_said_with_what_to_do(self) -> None:
        self.gateway.stop()
        with self.assertRaisesRegex(GatewayUnreachable, "pinion up --http"):
            Consumer(["t"], self.gateway.address, timeout=0.2)

    def test_no_gateway_is_said_long_before_the_timeout(self) -> None:
        self.fill("t", ["a"])
        consumer = self.consumer(["t"], timeout=60)
        self.gateway.stop()
        begun = time.monotonic()
        with mock.patch.object(consumer_module, "UNREACHABLE_AFTER", 0.3):
            with self.assertRaises(GatewayUnreachable):
                Consumer(["t"], self.gateway.address, timeout=60)
            with self.assertRaises(GatewayUnreachable):
                consumer.size()
        self.assertTrue(0.5 < time.monotonic() - begun < 10)
        self.gateway.start()
        self.assertEqual(consumer.size(), 1)

    def test_another_servers_path_is_no_gateway(self) -> None:
        self.fill("t", [])
        with self.assertRaisesRegex(ProtocolError, "path in the broker argument"):
            Consumer(["t"], f"http://{self.gateway.address}/elsewhere", timeout=3)

    def test_arguments_of_another_type_are_refused_and_named(self) -> None:
        for topics in (None, 5):
            with self.assertRaisesRegex(InvalidArgument, "topics is a list of names"):
                Consumer(topics, self.gateway.address)  # type: ignore[arg-type]
        with self.assertRaisesRegex(InvalidArgument, "broker is no address"):
            Consumer(["t"], None)  # type: ignore[arg-type]


class Positions(GatewayTest):
    def test_a_consumer_goes_on_where_its_ids_stopped(self) -> None:
        self.fill("t", [str(n) for n in range(10)])
        with self.consumer(["t"]) as first:
            self.assertEqual(len(first.poll(4)), 4)
        self.assertEqual(self.cluster.positions[first.consumer_ids["t"], 0], 4)
        second = self.consumer(consumer_ids=first.consumer_ids)
        self.assertEqual(texts(list(second.get_next(timeout=0.2))), [str(n) for n in range(4, 10)])

    def test_what_was_being_handled_when_an_error_came_comes_again(self) -> None:
        self.fill("t", ["a", "b", "c"])
        consumer = self.consumer(["t"])
        with self.assertRaises(ZeroDivisionError), consumer:
            for message in consumer.get_next(timeout=1):
                if message.message == "b":
                    raise ZeroDivisionError
        again = self.consumer(consumer_ids=consumer.consumer_ids)
        self.assertEqual(texts(list(again.get_next(timeout=0.2))), ["b", "c"])

    def test_positions_move_on_by_themselves(self) -> None:
        self.fill("t", [str(n) for n in range(10)])
        consumer = self.consumer(["t"])
        list(consumer.get_next(timeout=0.1))
        self.assertEqual(self.cluster.positions[consumer.consumer_ids["t"], 0], 10)
        self.assertEqual(consumer.size(), 0)

    def test_without_an_interval_only_commit_moves_them(self) -> None:
        self.fill("t", [str(n) for n in range(10)])
        consumer = self.consumer(["t"], commit_interval=None)
        self.assertEqual(len(consumer.poll(10)), 10)
        consumer.poll(1, timeout=0.05)
        self.assertEqual(consumer.size("t"), 10)
        consumer.commit()
        self.assertEqual(consumer.size("t"), 0)

    def test_a_position_that_cannot_be_stored_is_stored_later(self) -> None:
        self.fill("t", ["a"])
        self.gateway.fault("unavailable", path="/position", method="POST", times=2)
        consumer = self.consumer(["t"], commit_interval=0.01)
        list(consumer.get_next(timeout=0.1))
        consumer.stop()
        self.assertEqual(self.cluster.positions[consumer.consumer_ids["t"], 0], 1)

    def test_a_stop_without_a_cluster_ends_and_says_what_may_come_again(self) -> None:
        self.fill("t", ["a"])
        consumer = self.consumer(["t"], timeout=0.3)
        self.assertEqual(next(consumer.get_next()).message, "a")
        self.gateway.stop()
        with self.assertLogs("pinion", "WARNING") as logged:
            consumer.stop()
        self.assertIn("positions could not be stored", logged.output[0])

    def test_seek_goes_anywhere(self) -> None:
        self.fill("t", [str(n) for n in range(10)])
        consumer = self.consumer(["t"])
        list(consumer.get_next(timeout=0.1))
        consumer.seek("t", 0, 7)
        self.assertEqual(texts(list(consumer.get_next(timeout=0.1))), ["7", "8", "9"])
        consumer.seek("t", 0, "earliest")
        self.assertEqual(len(list(consumer.get_next(timeout=0.1))), 10)
        consumer.seek("t", 0, "latest")
        self.assertEqual(list(consumer.get_next(timeout=0.1)), [])
        with self.assertRaises(UnknownPartition):
            consumer.seek("t", 5, 0)
        for place in (-1, "newest", 1.5, None, True):
            with self.subTest(place), self.assertRaises(InvalidArgument):
                consumer.seek("t", 0, place)  # type: ignore[arg-type]

    def test_messages_that_retention_has_deleted_are_told(self) -> None:
        self.fill("t", [str(n) for n in range(10)])
        self.cluster.topics["t"].log_start[0] = 5
        consumer = self.consumer(["t"])
        with self.assertRaisesRegex(OffsetOutOfRange, "seek"):
            list(consumer.get_next(timeout=3))
        consumer.seek("t", 0, "earliest")
        self.assertEqual(len(list(consumer.get_next(timeout=0.2))), 5)
        consumer = self.consumer(["t"], on_lost_position="earliest")
        with self.assertLogs("pinion", "WARNING"):
            self.assertEqual(len(list(consumer.get_next(timeout=0.2))), 5)

    def test_after_stop_new_topics_are_refused(self) -> None:
        consumer = self.consumer()
        consumer.stop()
        with self.assertRaises(Closed):
            consumer.size("t")

    def test_arguments_are_checked(self) -> None:
        for options in ({"records_max": 0}, {"records_max": 1.5}, {"on_lost_position": "skip"}):
            with self.subTest(options), self.assertRaises(InvalidArgument):
                Consumer([], self.gateway.address, **options)  # type: ignore[arg-type]


class Shared(GatewayTest):
    def test_each_message_goes_to_one_of_the_readers(self) -> None:
        self.fill("t", [str(n) for n in range(300)])
        first = self.consumer(["t"], shared=True)
        readers = [first] + [
            self.consumer(consumer_ids=first.consumer_ids, shared=True) for _ in range(2)
        ]
        seen: List[List[str]] = [[] for _ in readers]

        def read(number: int) -> None:
            seen[number] += texts(list(readers[number].get_next(timeout=0.5)))

        threads = [threading.Thread(target=read, args=(n,)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        together = sorted(int(text) for texts_ in seen for text in texts_)
        self.assertEqual(together, list(range(300)))
        for own in seen:
            self.assertEqual(own, sorted(own, key=int))

    def test_a_lost_answer_is_asked_for_again_under_the_same_id(self) -> None:
        self.fill("t", [str(n) for n in range(100)])
        for kind in ("drop_after", "drop_before", "half_answer", "unavailable_after"):
            with self.subTest(kind):
                self.gateway.fault(kind, path="/consume", times=10, every=7)
                consumer = self.consumer(["t"], shared=True)
                seen = texts(list(itertools.islice(consumer.get_next(timeout=5), 100)))
                self.gateway.heal()
                self.assertEqual(seen, [str(n) for n in range(100)])
                self.assertEqual(consumer.poll(1, timeout=0.1), [])
        ids = [
            p["request_id"] for _, path, p in self.gateway.requests if path == "/consumer/consume"
        ]
        self.assertGreater(len(ids), len(set(ids)))

    def test_all_topics_and_partitions_come(self) -> None:
        for partition in range(3):
            self.fill("a", [f"a{partition}{n}" for n in range(20)], partition, partitions=3)
        self.fill("b", [f"b{n}" for n in range(20)])
        consumer = self.consumer(["a", "b"], shared=True)
        first = texts(list(itertools.islice(consumer.get_next(timeout=1), 20)))
        rest = texts(list(consumer.get_next(timeout=0.6)))
        self.assertEqual(sum(1 for text in first if text.startswith("b")), 10)
        self.assertEqual(len(set(first + rest)), 80)

    def test_it_waits_for_new_messages_and_is_stopped(self) -> None:
        self.fill("t", [])
        consumer = self.consumer(["t"], shared=True)
        timer = threading.Timer(0.2, lambda: self.fill("t", ["late"]))
        timer.start()
        self.assertEqual(next(consumer.get_next(timeout=5)).message, "late")
        timer.join()
        timer = threading.Timer(0.2, consumer.stop)
        timer.start()
        self.assertEqual(list(consumer.get_next()), [])
        timer.join()

    def test_bytes_that_are_no_text_come_as_they_were(self) -> None:
        self.producer(["t"]).send_and_wait("t", b"\xff\x00")
        message = next(self.consumer(["t"], shared=True).get_next(timeout=2))
        self.assertEqual(message.value, b"\xff\x00")
        self.assertIsNone(message.timestamp)

    def test_it_has_no_seek(self) -> None:
        self.fill("t", [])
        with self.assertRaises(InvalidArgument):
            self.consumer(["t"], shared=True).seek("t", 0, 0)


if __name__ == "__main__":
    unittest.main()
