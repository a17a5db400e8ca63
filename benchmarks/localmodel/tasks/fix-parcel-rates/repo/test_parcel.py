import unittest

from parcel import base_price, insurance, total_price


class ParcelTest(unittest.TestCase):
    def test_inside_the_steps(self):
        self.assertEqual(base_price(0.3), 390)
        self.assertEqual(base_price(3), 690)

    def test_exactly_at_a_limit(self):
        self.assertEqual(base_price(1), 390)
        self.assertEqual(base_price(2), 490)

    def test_heaviest_parcel(self):
        self.assertEqual(base_price(10), 990)
        with self.assertRaises(ValueError):
            base_price(10.1)

    def test_insurance(self):
        self.assertEqual(insurance(0), 0)
        self.assertEqual(insurance(100), 120)
        self.assertEqual(insurance(101), 240)

    def test_express_with_insurance(self):
        self.assertEqual(total_price(1.5, express=True, value=50), 1110)


if __name__ == "__main__":
    unittest.main()
