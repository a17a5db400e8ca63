import unittest

from heater import Heater, run


class HeaterTest(unittest.TestCase):
    def test_switches_on_when_cold(self):
        heater = Heater(20)
        self.assertTrue(heater.update(18.5))

    def test_switches_off_when_warm(self):
        heater = Heater(20)
        self.assertEqual(run(heater, [18, 21.5]), [True, False])

    def test_stays_on_between_the_limits(self):
        heater = Heater(20)
        self.assertEqual(run(heater, [18, 19.5, 20.5, 21]), [True, True, True, False])

    def test_stays_off_between_the_limits(self):
        heater = Heater(20)
        self.assertEqual(run(heater, [22, 20.5, 19.5]), [False, False, False])

    def test_number_of_switches(self):
        heater = Heater(20, band=2)
        run(heater, [18, 19, 18, 19, 21, 22, 21, 19])
        self.assertEqual(heater.switches, 2)


if __name__ == "__main__":
    unittest.main()
