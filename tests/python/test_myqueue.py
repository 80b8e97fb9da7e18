"""The interface that existing programs use, exactly as they use it."""

import inspect
import unittest

from support import GatewayTest

import myqueue
import pinion
from myqueue import MyConsumer, MyProducer


class AsShown(GatewayTest):
    def test_the_program_of_the_interface_runs_as_it_stands(self) -> None:
        for form in ("%s", "http://%s", "http://%s/", "%s/"):
            with self.subTest(form):
                broker = form % self.gateway.address
                producer = MyProducer(topics=["topic1", "topic2"], broker=broker)
                sent = 0
                while producer.can_send() and sent < 10:
                    producer.send("topic1", b"DEBUG: This is a log message!")
                    producer.send("topic2", "as text")
                    sent += 1
                producer.stop()
                consumer = MyConsumer(topics=["topic1", "topic2"], broker=broker)
                seen = []
                for msg in consumer.get_next(timeout=0.2):
                    self.assertEqual((msg.partition, type(msg.offset)), (0, int))
                    seen.append((msg.topic, msg.message))
                consumer.stop()
                expected = len(self.cluster.values("topic1"))
                self.assertEqual(seen.count(("topic1", "DEBUG: This is a log message!")), expected)
                self.assertEqual(seen.count(("topic2", "as text")), expected)

    def test_stop_waits_until_everything_is_delivered(self) -> None:
        producer = MyProducer(topics=["t"], broker=self.gateway.address)
        for number in range(1000):
            producer.send("t", str(number))
        producer.stop()
        self.assertEqual(len(self.cluster.values("t")), 1000)
        self.assertFalse(producer.can_send())

    def test_they_are_the_library_s_own_classes(self) -> None:
        self.assertTrue(issubclass(MyProducer, pinion.Producer))
        self.assertTrue(issubclass(MyConsumer, pinion.Consumer))
        for name in ("MyProducer", "MyConsumer"):
            parameters = list(inspect.signature(getattr(myqueue, name)).parameters)
            self.assertEqual(parameters[:2], ["topics", "broker"])


if __name__ == "__main__":
    unittest.main()
