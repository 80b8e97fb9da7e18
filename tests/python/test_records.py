"""Records as they travel: what goes in comes out again, and what has no form is refused."""

import json
import unittest
from typing import Any

import support  # noqa: F401
from pinion import InvalidArgument, Message
from pinion._keys import murmur2, partition_of_key
from pinion.records import encode_item, encode_value


def travelled(*args: Any) -> Message:
    item, _ = encode_item(*args)
    record = {"value": item} if isinstance(item, str) else item
    return Message("t", 0, json.loads(json.dumps({**record, "offset": 7})))


class Encoding(unittest.TestCase):
    def test_text_and_bytes_arrive_as_they_were(self) -> None:
        for value in ("", "text", "tab\tline\nnul\0", "snow \u2603 \U0001f980", "\x7f\x80\xff"):
            with self.subTest(value):
                message = travelled(value, None, None, None)
                self.assertEqual(message.message, value)
                self.assertEqual(message.value, value.encode())
        for raw in (b"", b"plain", b"\xff\xfe", bytes(range(256)), "é".encode()):
            with self.subTest(raw):
                self.assertEqual(travelled(raw, None, None, None).value, raw)
        self.assertEqual(travelled(bytearray(b"x"), None, None, None).value, b"x")
        self.assertEqual(travelled(memoryview(b"x"), None, None, None).value, b"x")

    def test_bytes_that_are_no_text_are_shown_with_replacements(self) -> None:
        self.assertEqual(travelled(b"a\xffb", None, None, None).message, "a\ufffdb")

    def test_keys_headers_and_times_travel_along(self) -> None:
        message = travelled("v", b"\xff", [("a", "1"), ("a", b"\xfe"), ("b", "")], 1_700_000)
        self.assertEqual(message.key_bytes, b"\xff")
        self.assertEqual(message.key, "\ufffd")
        self.assertEqual(message.headers, [("a", "1"), ("a", b"\xfe"), ("b", "")])
        self.assertEqual(message.timestamp, 1_700_000)
        assert message.time is not None
        self.assertEqual(message.time.isoformat(), "1970-01-01T00:00:01.700000+00:00")
        self.assertEqual(travelled("v", None, {"x": "y"}, None).headers, [("x", "y")])
        self.assertEqual(travelled("v", "", None, None).key, "")

    def test_a_plain_value_is_a_plain_string(self) -> None:
        self.assertEqual(encode_value("abc"), ("abc", 3))
        self.assertEqual(encode_value(b"abc"), ("abc", 3))
        self.assertEqual(encode_value("\u2603"), ("\u2603", 3))

    def test_what_has_no_form_is_refused_at_once(self) -> None:
        for value in (None, 5, ["x"], {"a": 1}):
            with self.subTest(value), self.assertRaisesRegex(InvalidArgument, "str or bytes"):
                encode_value(value)  # type: ignore[arg-type]
        with self.assertRaisesRegex(InvalidArgument, "surrogate"):
            encode_value("half \ud800")
        for headers in ([("", "x")], [("a",)], ["ab"], [(1, "x")], {"a": 5}):
            with self.subTest(headers), self.assertRaises(InvalidArgument):
                encode_item("v", None, headers, None)  # type: ignore[arg-type]
        for timestamp in (-1, 1.5, True, "1"):
            with self.subTest(timestamp), self.assertRaisesRegex(InvalidArgument, "microseconds"):
                encode_item("v", None, None, timestamp)  # type: ignore[arg-type]

    def test_messages_are_equal_when_place_and_content_are(self) -> None:
        one, other = travelled("v", None, None, None), travelled("v", None, None, None)
        self.assertEqual(one, other)
        self.assertEqual(hash(one), hash(other))
        self.assertNotEqual(one, travelled("w", None, None, None))
        self.assertNotEqual(one, "v")
        self.assertIn("t/0 at 7", repr(one))


class Keys(unittest.TestCase):
    def test_these_values_never_change(self) -> None:
        # The same vectors fix the hash of Pinion's other clients.
        for key, expected in {
            b"21": -973932308,
            b"foobar": -790332482,
            b"a-little-bit-long-string": -985981536,
            b"a-little-bit-longer-string": -1486304829,
            b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
            b"abc": 479470107,
        }.items():
            with self.subTest(key):
                self.assertEqual(murmur2(key), expected & 0xFFFFFFFF)
        self.assertEqual(murmur2(b""), 0x106E08D9)

    def test_a_partition_is_within_the_topic(self) -> None:
        for count in (1, 3, 10):
            for number in range(200):
                self.assertIn(partition_of_key(b"key-%d" % number, count), range(count))


if __name__ == "__main__":
    unittest.main()
