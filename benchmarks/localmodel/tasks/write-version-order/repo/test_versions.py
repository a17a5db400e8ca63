import unittest

from versions import compare, newest


class CompareTest(unittest.TestCase):
    def test_equal(self):
        self.assertEqual(compare("1.4.2", "1.4.2"), 0)

    def test_numbers_are_not_text(self):
        self.assertEqual(compare("1.9", "1.10"), -1)
        self.assertEqual(compare("1.10", "1.9"), 1)

    def test_first_number_decides(self):
        self.assertEqual(compare("2.0.0", "1.99.99"), 1)

    def test_missing_numbers_are_zero(self):
        self.assertEqual(compare("2", "2.0.0"), 0)
        self.assertEqual(compare("2.0", "2.0.1"), -1)

    def test_word_is_older(self):
        self.assertEqual(compare("2.0-beta", "2.0"), -1)
        self.assertEqual(compare("2.0", "2.0-rc"), 1)

    def test_word_matters_only_for_the_same_numbers(self):
        self.assertEqual(compare("2.1-beta", "2.0"), 1)

    def test_two_words(self):
        self.assertEqual(compare("2.0-alpha", "2.0-beta"), -1)
        self.assertEqual(compare("2-rc", "2.0-rc"), 0)

    def test_newest(self):
        self.assertEqual(newest(["1.2", "1.10-beta", "1.9", "1.10"]), "1.10")


if __name__ == "__main__":
    unittest.main()
