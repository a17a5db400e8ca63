import unittest

from rooms import free_gaps


class FreeGapsTest(unittest.TestCase):
    def test_no_bookings(self):
        self.assertEqual(free_gaps([], 480, 1080), [(480, 1080)])

    def test_one_booking(self):
        self.assertEqual(free_gaps([(30, 60)], 0, 100), [(0, 30), (60, 100)])

    def test_unsorted_bookings(self):
        bookings = [(70, 80), (10, 20)]
        self.assertEqual(free_gaps(bookings, 0, 100), [(0, 10), (20, 70), (80, 100)])
        self.assertEqual(bookings, [(70, 80), (10, 20)])

    def test_bookings_that_touch(self):
        self.assertEqual(free_gaps([(0, 40), (40, 90)], 0, 100), [(90, 100)])

    def test_booking_inside_another(self):
        self.assertEqual(free_gaps([(10, 80), (20, 30)], 0, 100), [(0, 10), (80, 100)])

    def test_beyond_the_opening_hours(self):
        self.assertEqual(free_gaps([(-20, 10), (90, 130)], 0, 100), [(10, 90)])

    def test_completely_outside_the_opening_hours(self):
        self.assertEqual(free_gaps([(-50, -20), (120, 150)], 0, 100), [(0, 100)])

    def test_short_gaps_are_left_out(self):
        bookings = [(0, 30), (40, 60)]
        self.assertEqual(free_gaps(bookings, 0, 100, minimum=15), [(60, 100)])
        self.assertEqual(free_gaps(bookings, 0, 100, minimum=10), [(30, 40), (60, 100)])

    def test_fully_booked(self):
        self.assertEqual(free_gaps([(0, 100)], 0, 100), [])


if __name__ == "__main__":
    unittest.main()
