"""The outbox alone, on a clock of its own: what leaves when, under which numbers, what is said."""

import random
import unittest
from typing import Dict, List, Optional, Tuple

import support  # noqa: F401
from pinion import Fate, InvalidArgument, PinionError, RecordTooLarge
from pinion._outbox import Batch, Limits, Outbox, Topic

LIMITS = Limits(batch_records_max=3, batch_bytes_max=1000, linger=0.0, delivery_timeout=10.0)


class OutboxTest(unittest.TestCase):
    def setUp(self) -> None:
        self.start()

    def start(self, limits: Limits = LIMITS, partitions: int = 1) -> Topic:
        self.outbox = Outbox(limits)
        self.topic = self.outbox.add_topic("t", 7, partitions)
        self.now = 100.0
        return self.topic

    def put(self, value: str, partition: Optional[int] = None) -> bool:
        lane = self.topic.pool if partition is None else self.topic.lanes[partition]
        return self.outbox.put(lane, value, len(value), None, self.now)

    def take(self) -> Batch:
        batch = self.outbox.take(self.now)
        assert batch is not None
        return batch

    def settle(self) -> List[Tuple[str, List[str]]]:
        """Reports and releases what is finished."""
        finished, self.outbox.finished = self.outbox.finished, []
        for one in finished:
            self.outbox.release(one, self.now)
        return [(str(one.outcome), list(map(str, one.batch.items))) for one in finished]


class Filling(OutboxTest):
    def test_a_lone_record_leaves_at_once_and_others_gather_meanwhile(self) -> None:
        self.assertTrue(self.put("a"))
        first = self.take()
        self.assertEqual(first.items, ["a"])
        for value in "bcde":
            self.assertFalse(self.put(value), "nobody has to be woken while one is on its way")
        self.assertIsNone(self.outbox.take(self.now))
        self.outbox.acknowledged(first, 0)
        self.settle()
        self.assertEqual(self.take().items, ["b", "c", "d"])

    def test_a_batch_is_bounded_in_bytes(self) -> None:
        self.put("x" * 600)
        self.put("y" * 600)
        self.assertEqual(self.take().items, ["x" * 600])

    def test_a_record_larger_than_a_batch_goes_alone(self) -> None:
        self.put("a")
        self.put("x" * 5000)
        self.put("b")
        taken = []
        for _ in range(3):
            batch = self.take()
            taken.append(len(batch.items))
            self.outbox.acknowledged(batch, 0)
            self.settle()
        self.assertEqual(taken, [1, 1, 1])

    def test_an_open_batch_lingers_until_its_time_or_until_it_is_full(self) -> None:
        self.start(LIMITS._replace(linger=0.5))
        self.assertTrue(self.put("a"), "somebody must wait for the right time")
        self.assertIsNone(self.outbox.take(self.now))
        self.assertEqual(self.outbox.next_time(), 100.5)
        self.now = 100.5
        batch = self.take()
        self.put("b")
        self.outbox.acknowledged(batch, 0)
        self.settle()
        self.assertIsNone(self.outbox.take(self.now), "the next one lingers too")
        self.put("c")
        self.assertTrue(self.put("d"))
        self.assertEqual(self.take().items, ["b", "c", "d"])

    def test_a_flush_does_not_wait_for_what_lingers(self) -> None:
        self.start(LIMITS._replace(linger=5))
        self.put("a")
        round_ = self.outbox.begin_flush()
        batch = self.take()
        self.put("later")
        self.assertFalse(self.outbox.flushed(round_))
        self.outbox.acknowledged(batch, 0)
        self.assertFalse(self.outbox.flushed(round_), "it is not reported yet")
        self.settle()
        self.assertTrue(self.outbox.flushed(round_), "what came later is not waited for")

    def test_a_flush_does_not_wait_for_what_would_linger_later(self) -> None:
        self.start(LIMITS._replace(linger=5))
        self.put("a")
        self.now += 5
        first = self.take()
        self.put("b")
        self.outbox.begin_flush()
        self.outbox.acknowledged(first, 0)
        self.settle()
        self.assertEqual(self.take().items, ["b"])

    def test_records_without_a_key_go_to_whatever_partition_is_free(self) -> None:
        self.start(partitions=3)
        lanes = []
        for number in range(3):
            for value in range(3):
                self.put(f"{number}{value}")
            batch = self.take()
            lanes.append(batch.lane.partition if batch.lane else None)
        self.assertEqual(lanes, [0, 1, 2])
        self.put("x")
        self.assertIsNone(self.outbox.take(self.now), "all are busy")
        self.assertFalse(self.put("y"))


class Numbers(OutboxTest):
    def test_sequences_count_records_for_each_partition(self) -> None:
        self.start(partitions=2)
        numbers: Dict[int, List[int]] = {0: [], 1: []}
        for partition in (0, 1, 0, 0, 1):
            self.put("a", partition)
            self.put("b", partition)
            batch = self.take()
            numbers[partition].append(batch.sequence)
            self.outbox.acknowledged(batch, 0)
            self.settle()
        self.assertEqual(numbers, {0: [0, 2, 4], 1: [0, 2]})

    def test_a_repeat_is_the_same_batch_under_the_same_number(self) -> None:
        self.put("a")
        batch = self.take()
        self.put("b")
        self.outbox.again(batch, "lost", Fate.UNKNOWN, 0.1, self.now)
        self.assertIsNone(self.outbox.take(self.now))
        self.assertEqual(self.outbox.next_time(), 100.1)
        self.now = 100.1
        self.assertIs(self.take(), batch)
        self.assertEqual((batch.items, batch.sequence), (["a"], 0))
        self.outbox.acknowledged(batch, 40)
        self.assertEqual(self.settle(), [("acknowledged", ["a"])])
        self.assertEqual(self.take().sequence, 1)

    def test_a_batch_given_up_in_doubt_keeps_its_numbers(self) -> None:
        self.put("a")
        batch = self.take()
        self.put("b")
        self.outbox.again(batch, "lost", Fate.UNKNOWN, 60, self.now)
        self.now = 110.0
        self.assertIsNone(self.outbox.take(self.now))
        self.assertEqual(self.settle(), [("unknown", ["a"])])
        # "b" was sent at the same time, so it has expired too, but it has never left.
        self.assertIsNone(self.outbox.take(self.now))
        self.assertEqual(self.settle(), [("failed", ["b"])])
        self.put("c")
        self.assertEqual(self.take().sequence, 1)

    def test_a_batch_that_was_certainly_not_stored_gives_them_back(self) -> None:
        self.put("a")
        batch = self.take()
        self.outbox.again(batch, "refused", Fate.DID_NOT_HAPPEN, 60, self.now)
        self.now = 110.0
        self.assertIsNone(self.outbox.take(self.now))
        self.assertEqual(self.settle(), [("failed", ["a"])])
        self.put("b")
        self.assertEqual(self.take().sequence, 0)

    def test_a_new_producer_id_counts_from_zero(self) -> None:
        self.put("a")
        self.outbox.acknowledged(self.take(), 0)
        self.settle()
        self.put("b")
        batch = self.take()
        self.assertEqual((batch.producer_id, batch.sequence), (7, 1))
        self.outbox.register_again(self.topic, 7)
        self.outbox.again(batch, "unknown id", Fate.DID_NOT_HAPPEN, 0, self.now)
        batch = self.take()
        self.assertEqual(batch.producer_id, 0)
        self.topic.producer_id = 9
        self.outbox.number(batch)
        self.assertEqual((batch.producer_id, batch.sequence), (9, 0))

    def test_a_batch_in_doubt_keeps_the_old_producer_id(self) -> None:
        self.put("a")
        batch = self.take()
        self.outbox.again(batch, "lost", Fate.UNKNOWN, 0, self.now)
        self.topic.producer_id = 9
        self.assertIs(self.take(), batch)
        self.assertEqual((batch.producer_id, batch.sequence), (7, 0))


class Refusals(OutboxTest):
    def refuse(self, batch: Batch, error: PinionError) -> None:
        self.outbox.refused(batch, error, self.now)

    def test_only_the_record_at_fault_fails(self) -> None:
        self.start(LIMITS._replace(batch_records_max=8))
        for value in "abcXdefg":
            self.put(value)
        stored: List[str] = []
        reports = []
        while True:
            batch = self.outbox.take(self.now)
            if batch is None:
                break
            if "X" in batch.items:
                self.refuse(batch, RecordTooLarge("too large"))
            else:
                self.assertEqual(batch.sequence, len(stored))
                stored += map(str, batch.items)
                self.outbox.acknowledged(batch, 0)
            reports += self.settle()
        self.assertEqual(stored, list("abcdefg"))
        self.assertEqual([r for r in reports if r[0] != "acknowledged"], [("failed", ["X"])])
        self.assertEqual((self.outbox.cost, self.outbox.records), (0, 0))
        self.assertTrue(self.outbox.flushed(self.outbox.begin_flush()))

    def test_a_refusal_after_a_lost_answer_leaves_a_doubt(self) -> None:
        self.put("a")
        self.put("b")
        batch = self.take()
        self.outbox.again(batch, "lost", Fate.UNKNOWN, 0, self.now)
        self.refuse(self.take(), InvalidArgument("no"))
        self.assertEqual(self.settle(), [("unknown", ["a", "b"])])

    def test_what_is_abandoned_is_failed_only_if_no_attempt_is_open(self) -> None:
        self.start(partitions=3)
        for partition in range(3):
            self.put(str(partition), partition)
        in_flight, refused = self.take(), self.take()
        self.outbox.again(refused, "busy", Fate.DID_NOT_HAPPEN, 1, self.now)
        self.outbox.abandon()
        self.assertEqual(
            sorted(self.settle()), [("failed", ["1"]), ("failed", ["2"]), ("unknown", ["0"])]
        )
        self.outbox.acknowledged(in_flight, 0)
        self.assertEqual(self.settle(), [], "it has been reported once")
        self.assertEqual((self.outbox.cost, self.outbox.records), (0, 0))


class Anything(OutboxTest):
    def test_whatever_happens_nothing_is_lost_doubled_or_reordered(self) -> None:
        for seed in range(200):
            with self.subTest(seed=seed):
                self.run_one(random.Random(seed))

    def run_one(self, chance: random.Random) -> None:
        partitions = chance.choice((1, 1, 2, 5))
        linger = chance.choice((0.0, 0.0, 0.3))
        self.start(
            LIMITS._replace(linger=linger, batch_records_max=chance.randint(1, 5)), partitions
        )
        logs: Dict[int, List[str]] = {partition: [] for partition in range(partitions)}
        seen: Dict[Tuple[int, int, int], int] = {}
        on_its_way: List[Batch] = []
        reported: Dict[str, str] = {}
        sent: List[Tuple[str, Optional[int]]] = []

        def store(batch: Batch) -> int:
            """As a partition does: a batch once."""
            assert batch.lane is not None and batch.lane.partition is not None
            partition = batch.lane.partition
            place = (batch.producer_id, partition, batch.sequence)
            if place not in seen:
                seen[place] = len(logs[partition])
                logs[partition] += map(str, batch.items)
            return seen[place]

        for step in range(150):
            self.now += chance.random() * 0.3
            what = chance.random()
            if what < 0.5 and step < 100:
                value = str(len(sent))
                where = chance.choice([None, *range(partitions)])
                sent.append((value, where))
                self.put(value, where)
            elif what < 0.75 or not on_its_way:
                taken = self.outbox.take(self.now)
                if taken is not None:
                    on_its_way.append(taken)
            else:
                batch = on_its_way.pop(chance.randrange(len(on_its_way)))
                end = chance.random()
                if end < 0.6:
                    self.outbox.acknowledged(batch, store(batch))
                elif end < 0.75:
                    store(batch)
                    self.outbox.again(batch, "lost after", Fate.UNKNOWN, 0.2, self.now)
                elif end < 0.9:
                    self.outbox.again(batch, "lost before", Fate.UNKNOWN, 0.2, self.now)
                elif end < 0.97:
                    self.outbox.again(batch, "busy", Fate.DID_NOT_HAPPEN, 0.2, self.now)
                else:
                    self.outbox.refused(batch, InvalidArgument("no"), self.now)
            for outcome, items in self.settle():
                for item in items:
                    self.assertNotIn(item, reported, "reported twice")
                    reported[item] = outcome
        self.outbox.abandon()
        for outcome, items in self.settle():
            reported.update((item, outcome) for item in items)

        self.assertEqual(len(reported), len(sent))
        self.assertEqual((self.outbox.cost, self.outbox.records), (0, 0))
        stored = [value for log in logs.values() for value in log]
        self.assertEqual(len(stored), len(set(stored)), "stored twice")
        for value, outcome in reported.items():
            if outcome == "acknowledged":
                self.assertIn(value, stored)
            if outcome == "failed":
                self.assertNotIn(value, stored)
        for partition, log in logs.items():
            fixed = [value for value, where in sent if where == partition]
            kept = [value for value in log if value in set(fixed)]
            self.assertEqual(kept, [value for value in fixed if value in set(kept)], "reordered")


if __name__ == "__main__":
    unittest.main()
