import unittest

from billing.splitting import bill_lines, split_cents


class SplitTest(unittest.TestCase):
    def test_even_split(self):
        self.assertEqual(split_cents(900, 3), [300, 300, 300])

    def test_one_spare_cent(self):
        self.assertEqual(split_cents(100, 3), [34, 33, 33])

    def test_two_spare_cents(self):
        self.assertEqual(split_cents(101, 3), [34, 34, 33])

    def test_fewer_cents_than_people(self):
        self.assertEqual(split_cents(2, 4), [1, 1, 0, 0])

    def test_one_person(self):
        self.assertEqual(split_cents(1234, 1), [1234])

    def test_nobody(self):
        with self.assertRaises(ValueError):
            split_cents(100, 0)

    def test_lines_of_the_bill(self):
        self.assertEqual(bill_lines(2411, ["Ana", "Ben"]), ["Ana pays 12.06", "Ben pays 12.05"])


if __name__ == "__main__":
    unittest.main()
