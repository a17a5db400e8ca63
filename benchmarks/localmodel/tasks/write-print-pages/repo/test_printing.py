import unittest

from printing import parse_pages


class ParsePagesTest(unittest.TestCase):
    def test_one_page(self):
        self.assertEqual(parse_pages("7"), [7])

    def test_several_pages(self):
        self.assertEqual(parse_pages("2,4,11"), [2, 4, 11])

    def test_range(self):
        self.assertEqual(parse_pages("9-12"), [9, 10, 11, 12])

    def test_range_of_one_page(self):
        self.assertEqual(parse_pages("4-4"), [4])

    def test_spaces(self):
        self.assertEqual(parse_pages(" 1 - 3, 7 "), [1, 2, 3, 7])

    def test_sorted_without_repeats(self):
        self.assertEqual(parse_pages("10,1-3,2-4"), [1, 2, 3, 4, 10])

    def test_backwards(self):
        with self.assertRaises(ValueError):
            parse_pages("5-3")

    def test_empty(self):
        self.assertEqual(parse_pages(""), [])


if __name__ == "__main__":
    unittest.main()
