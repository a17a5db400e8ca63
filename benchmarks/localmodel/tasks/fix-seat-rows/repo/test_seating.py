import unittest

from seating import seat_for, seats_for, ticket_for


class SeatingTest(unittest.TestCase):
    def test_seats_inside_a_row(self):
        self.assertEqual(seat_for(1), "A1")
        self.assertEqual(seat_for(13), "B1")
        self.assertEqual(seat_for(30), "C6")

    def test_last_seat_of_a_row(self):
        self.assertEqual(seat_for(12), "A12")
        self.assertEqual(seat_for(120), "K12")

    def test_group_that_fills_a_row(self):
        self.assertEqual(seats_for(11, 3), ["A11", "A12", "B1"])

    def test_ticket_of_a_seat(self):
        self.assertEqual(ticket_for("A12"), 12)
        self.assertEqual(ticket_for("C6"), 30)

    def test_unknown_ticket(self):
        with self.assertRaises(ValueError):
            seat_for(121)


if __name__ == "__main__":
    unittest.main()
