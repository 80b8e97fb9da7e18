"""Admin over HTTP: topics, SQL, reads, and what is said when it is refused."""

import unittest

from support import GatewayTest

from pinion import Admin, GatewayUnreachable, OffsetOutOfRange, QueryError, TopicExists
from pinion import UnknownPartition, UnknownTopic


class Topics(GatewayTest):
    def setUp(self) -> None:
        super().setUp()
        self.admin = Admin(self.gateway.address, timeout=5)
        self.addCleanup(self.admin.close)

    def test_topics_are_made_listed_described_and_deleted(self) -> None:
        self.admin.create_topic("orders", partitions=3)
        self.admin.create_topic("one")
        self.assertEqual(self.admin.list_topics(), ["orders", "one"])
        self.assertEqual(self.admin.list_partitions("orders"), [0, 1, 2])
        self.assertEqual(self.admin.list_partitions("one"), [0])
        self.assertEqual(self.admin.describe_topic("orders")["name"], "orders")
        self.admin.delete_topic("orders")
        self.assertEqual(self.admin.list_topics(), ["one"])
        self.assertEqual(self.admin.cluster()["cluster_id"], "fake")

    def test_refusals_are_errors_of_their_own(self) -> None:
        self.admin.create_topic("t")
        with self.assertRaisesRegex(TopicExists, "Topic 't' already exists"):
            self.admin.create_topic("t")
        with self.assertRaisesRegex(UnknownTopic, "Topic 'x' does not exist"):
            self.admin.list_partitions("x")
        with self.assertRaises(UnknownPartition):
            self.admin.read("t", 9)
        with self.assertRaises(OffsetOutOfRange):
            self.admin.read("t", 0, 100)
        with self.assertRaisesRegex(QueryError, "syntax error"):
            self.admin.query("t", "selekt")

    def test_a_topic_whose_making_was_not_answered_counts_as_made(self) -> None:
        self.gateway.fault("drop_after", path="/topics")
        self.admin.create_topic("t")
        self.assertEqual(self.admin.list_topics(), ["t"])

    def test_queries_answer_columns_and_rows(self) -> None:
        self.fill("t", ["a", "b"], partitions=1)
        result = self.admin.query("t", "select offset, value, x'ff00' as raw from readable")
        self.assertEqual(result.columns, ["offset", "value", "raw"])
        self.assertEqual(result.rows, [[0, "a", b"\xff\x00"], [1, "b", b"\xff\x00"]])
        self.assertFalse(result.truncated)
        self.assertEqual(next(result.dicts())["value"], "a")
        self.assertTrue(self.admin.query("t", "select * from readable", rows_max=1).truncated)

    def test_reads_move_nothing(self) -> None:
        self.fill("t", ["a", "b", "c"])
        result = self.admin.read("t", 0, 1, records_max=1)
        self.assertEqual([m.message for m in result.messages], ["b"])
        self.assertEqual((result.next_offset, result.log_start, result.high_watermark), (2, 0, 3))
        self.assertEqual(self.admin.read("t", 0, "latest", wait=0.05).messages, [])
        self.assertEqual(len(self.admin.read("t").messages), 3)

    def test_a_name_is_escaped_in_the_path(self) -> None:
        self.fill("a b/ä?", ["x"])
        self.assertEqual(len(self.admin.read("a b/ä?").messages), 1)

    def test_busy_and_lost_answers_are_asked_for_again(self) -> None:
        self.fill("t", ["a"])
        for kind in ("unavailable", "drop_before", "drop_after", "bad_gateway", "half_answer"):
            self.gateway.fault(kind, times=2)
            self.assertEqual(self.admin.list_topics(), ["t"])

    def test_health_is_asked_once(self) -> None:
        self.assertTrue(self.admin.is_healthy())
        self.gateway.fault("unavailable", path="/health")
        self.assertFalse(self.admin.is_healthy())
        self.gateway.stop()
        self.assertFalse(self.admin.is_healthy())

    def test_without_a_gateway_a_call_ends_by_its_timeout(self) -> None:
        self.gateway.stop()
        with Admin(self.gateway.address, timeout=0.2) as admin:
            with self.assertRaisesRegex(GatewayUnreachable, "no gateway can be reached at http"):
                admin.list_topics()


if __name__ == "__main__":
    unittest.main()
