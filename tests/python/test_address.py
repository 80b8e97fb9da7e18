"""Where a broker is: every form in which people write it."""

import unittest

import support  # noqa: F401
from pinion import InvalidArgument
from pinion._address import parse_address, parse_brokers


class Addresses(unittest.TestCase):
    def test_host_and_port_in_every_form_mean_the_same(self) -> None:
        for text in (
            "localhost:9092",
            "http://localhost:9092",
            "http://localhost:9092/",
            "HTTP://LOCALHOST:9092",
            " localhost:9092/ ",
        ):
            with self.subTest(text):
                address = parse_address(text)
                self.assertEqual((address.host, address.port), ("localhost", 9092))
                self.assertEqual((address.tls, address.prefix), (False, ""))

    def test_a_url_without_a_port_has_the_port_of_its_scheme(self) -> None:
        self.assertEqual(parse_address("http://example").port, 80)
        self.assertEqual(parse_address("https://example")[1:3], (443, True))
        self.assertEqual(parse_address("https://example").host_header, "example")

    def test_a_path_stands_before_every_request(self) -> None:
        address = parse_address("http://proxy:80/pinion/")
        self.assertEqual(address.prefix, "/pinion")
        self.assertEqual(str(address), "http://proxy:80/pinion")

    def test_ipv6_is_written_in_brackets(self) -> None:
        address = parse_address("[::1]:8080")
        self.assertEqual((address.host, address.port), ("::1", 8080))
        self.assertEqual(address.host_header, "[::1]:8080")

    def test_several_gateways_come_as_a_list_or_with_commas(self) -> None:
        for broker in ("a:1,b:2", ["a:1", "http://b:2/"], ("a:1", "b:2")):
            with self.subTest(broker):
                self.assertEqual([a.port for a in parse_brokers(broker)], [1, 2])

    def test_what_is_no_address_is_refused_with_the_forms_that_are(self) -> None:
        for text in (
            "",
            "localhost",
            "localhost:",
            "localhost:port",
            "localhost:99999",
            "localhost:0",
            ":8080",
            "tcp://localhost:5550",
            "http://",
            "http://user@host:1",
            "http://host:1/?x=1",
            "ho st:80",
            "[::1:80",
        ):
            with self.subTest(text):
                with self.assertRaisesRegex(InvalidArgument, "host:port"):
                    parse_address(text)
        with self.assertRaises(InvalidArgument):
            parse_brokers([])
        with self.assertRaises(InvalidArgument):
            parse_address(8080)  # type: ignore[arg-type]
        for broker in (None, 5, 1.5, object()):
            with self.subTest(broker):
                with self.assertRaisesRegex(InvalidArgument, "host:port"):
                    parse_brokers(broker)  # type: ignore[arg-type]


if __name__ == "__main__":
    unittest.main()
