"""TLS: trusted gateways are used as others are, and what is not trusted is said at once."""

import os
import shutil
import ssl
import subprocess
import tempfile
import time
import unittest

from fake_gateway import FakeGateway
from support import GatewayTest

from pinion import Admin, Consumer, GatewayUnreachable, Producer


class Tls(GatewayTest):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.certificate = os.path.join(folder, "certificate.pem")
        key = os.path.join(folder, "key.pem")
        command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split()
        command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        subprocess.run(
            [*command, "-keyout", key, "-out", cls.certificate], check=True, capture_output=True
        )
        cls.served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cls.served.load_cert_chain(cls.certificate, key)
        cls.trusted = ssl.create_default_context(cafile=cls.certificate)

    def setUp(self) -> None:
        super().setUp()
        self.secure = FakeGateway(self.cluster, tls=self.served)
        self.addCleanup(self.secure.stop)
        self.broker = "https://" + self.secure.address

    def test_producer_consumer_and_admin_speak_it(self) -> None:
        values = [str(number) for number in range(3000)]
        with Producer(["t"], self.broker, tls=self.trusted) as producer:
            for value in values:
                producer.send("t", value)
        self.assertEqual(self.cluster.values("t"), values)
        with Consumer(["t"], self.broker, tls=self.trusted) as consumer:
            self.assertEqual([m.message for m in consumer.get_next(timeout=0.3)], values)
            self.fill("t", ["late"])
            self.assertEqual(next(consumer.get_next(timeout=5)).message, "late")
        with Admin(self.broker, tls=self.trusted) as admin:
            self.assertEqual(admin.list_topics(), ["t"])

    def test_lost_connections_are_made_again(self) -> None:
        for kind in ("drop_before", "drop_after", "half_answer"):
            self.secure.fault(kind, path="/records", times=5, every=2)
            with Producer([kind], self.broker, tls=self.trusted, batch_records_max=10) as producer:
                for number in range(100):
                    producer.send(kind, str(number))
            self.assertEqual(self.cluster.values(kind), [str(n) for n in range(100)])
            with Consumer([kind], self.broker, tls=self.trusted, records_max=10) as consumer:
                self.assertEqual(len(list(consumer.get_next(timeout=0.5))), 100)
            self.secure.heal()

    def test_what_is_not_trusted_is_said_at_once(self) -> None:
        begun = time.monotonic()
        for make in (Producer, Consumer):
            with self.assertRaisesRegex(GatewayUnreachable, "cafile"):
                make(["t"], self.broker)
        with self.assertRaisesRegex(GatewayUnreachable, "http://"):
            Producer(["t"], "https://" + self.gateway.address)
        self.assertLess(time.monotonic() - begun, 5)


if __name__ == "__main__":
    unittest.main()
