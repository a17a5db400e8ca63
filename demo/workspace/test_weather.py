import unittest

from weather import average, to_fahrenheit, warmest


class WeatherTest(unittest.TestCase):
    def test_boiling_point(self):
        self.assertEqual(to_fahrenheit(100), 212)

    def test_freezing_point(self):
        self.assertEqual(to_fahrenheit(0), 32)

    def test_average(self):
        self.assertEqual(average([10, 14, 12]), 12)

    def test_average_of_nothing(self):
        self.assertIsNone(average([]))

    def test_warmest(self):
        self.assertEqual(warmest({"Monday": 11, "Tuesday": 17, "Wednesday": 9}), "Tuesday")


if __name__ == "__main__":
    unittest.main()
