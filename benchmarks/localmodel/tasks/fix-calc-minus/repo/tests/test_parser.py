import unittest

from calc.parser import evaluate


class EvaluateTest(unittest.TestCase):
    def test_product_before_sum(self):
        self.assertEqual(evaluate("2 + 3 * 4"), 14)

    def test_brackets(self):
        self.assertEqual(evaluate("2 * (3 + 4)"), 14)

    def test_several_minus_signs(self):
        self.assertEqual(evaluate("10 - 4 - 3"), 3)

    def test_minus_then_plus(self):
        self.assertEqual(evaluate("8 - 2 + 5"), 11)

    def test_division_from_left_to_right(self):
        self.assertEqual(evaluate("100 / 10 / 2"), 5)


if __name__ == "__main__":
    unittest.main()
