import unittest

from stockroom.ledger import Ledger


class LedgerTest(unittest.TestCase):
    def setUp(self):
        self.ledger = Ledger()
        self.ledger.put(" Copper  Pipe", 5)

    def test_count_ignores_case_and_spaces(self):
        self.ledger.put("copper pipe", 2)
        self.assertEqual(self.ledger.count("COPPER PIPE "), 7)

    def test_take_with_the_plain_name(self):
        self.assertEqual(self.ledger.take("copper pipe", 1), 4)

    def test_take_ignores_case_and_spaces(self):
        self.assertEqual(self.ledger.take("COPPER   PIPE", 2), 3)
        self.assertEqual(self.ledger.count("copper pipe"), 3)

    def test_take_too_many(self):
        with self.assertRaises(ValueError):
            self.ledger.take("copper pipe", 6)

    def test_take_unknown_item(self):
        with self.assertRaises(KeyError):
            self.ledger.take("valve")


if __name__ == "__main__":
    unittest.main()
