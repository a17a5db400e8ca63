import unittest

from wind import wind_label


class WindLabelTest(unittest.TestCase):
    def test_no_wind(self):
        self.assertEqual(wind_label(0), "calm")

    def test_fraction_below_the_limit(self):
        self.assertEqual(wind_label(5.9), "calm")

    def test_breeze(self):
        self.assertEqual(wind_label(6), "breeze")
        self.assertEqual(wind_label(38), "breeze")

    def test_strong_wind(self):
        self.assertEqual(wind_label(39), "strong wind")

    def test_gale(self):
        self.assertEqual(wind_label(62), "gale")
        self.assertEqual(wind_label(88.5), "gale")

    def test_storm(self):
        self.assertEqual(wind_label(89), "storm")
        self.assertEqual(wind_label(150), "storm")

    def test_negative_speed(self):
        with self.assertRaises(ValueError):
            wind_label(-1)


if __name__ == "__main__":
    unittest.main()
