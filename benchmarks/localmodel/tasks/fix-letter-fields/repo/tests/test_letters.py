import unittest

from mailer.letters import field_names, fill

DATA = {
    "number": 17,
    "customer": {"name": "Rosa", "address": {"city": "Lyon"}},
}


class LettersTest(unittest.TestCase):
    def test_plain_field(self):
        self.assertEqual(fill("Order {number} is ready", DATA), "Order 17 is ready")

    def test_field_inside_a_field(self):
        self.assertEqual(fill("Dear {customer.name},", DATA), "Dear Rosa,")

    def test_two_levels(self):
        self.assertEqual(fill("to {customer.address.city}", DATA), "to Lyon")

    def test_unknown_field(self):
        with self.assertRaises(KeyError):
            fill("{price}", DATA)

    def test_names_of_the_fields(self):
        self.assertEqual(field_names("{a} and {b.c}"), ["a", "b.c"])


if __name__ == "__main__":
    unittest.main()
