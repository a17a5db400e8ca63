import unittest

from sizes import format_bytes


class FormatBytesTest(unittest.TestCase):
    def test_zero(self):
        self.assertEqual(format_bytes(0), "0 B")

    def test_bytes(self):
        self.assertEqual(format_bytes(1023), "1023 B")

    def test_exactly_one_unit(self):
        self.assertEqual(format_bytes(1024), "1.0 KiB")

    def test_one_decimal(self):
        self.assertEqual(format_bytes(1536), "1.5 KiB")

    def test_mebibytes(self):
        self.assertEqual(format_bytes(5 * 1024 * 1024), "5.0 MiB")

    def test_gibibytes(self):
        self.assertEqual(format_bytes(2560 * 1024 * 1024), "2.5 GiB")

    def test_largest_unit(self):
        self.assertEqual(format_bytes(3000 * 1024**3), "3000.0 GiB")

    def test_negative_size(self):
        with self.assertRaises(ValueError):
            format_bytes(-1)


if __name__ == "__main__":
    unittest.main()
