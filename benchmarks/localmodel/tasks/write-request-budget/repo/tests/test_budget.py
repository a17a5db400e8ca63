import unittest

from throttle.budget import Budget
from throttle.clock import ManualClock


class BudgetTest(unittest.TestCase):
    def setUp(self):
        self.clock = ManualClock()
        self.budget = Budget(3, 0.5, self.clock)

    def test_starts_full(self):
        self.assertEqual([self.budget.allow() for _ in range(4)], [True, True, True, False])

    def test_fills_up_with_time(self):
        self.budget.allow(3)
        self.clock.advance(2)
        self.assertTrue(self.budget.allow())
        self.assertFalse(self.budget.allow())

    def test_parts_of_a_credit_are_kept(self):
        self.budget.allow(3)
        self.clock.advance(1)
        self.assertFalse(self.budget.allow())
        self.clock.advance(1)
        self.assertTrue(self.budget.allow())

    def test_never_more_than_its_size(self):
        self.clock.advance(1000)
        self.assertTrue(self.budget.allow(3))
        self.assertFalse(self.budget.allow())

    def test_refused_request_costs_nothing(self):
        self.budget.allow(2)
        self.assertFalse(self.budget.allow(2))
        self.assertTrue(self.budget.allow(1))

    def test_more_than_the_size_is_never_possible(self):
        self.clock.advance(1000)
        self.assertFalse(self.budget.allow(4))


if __name__ == "__main__":
    unittest.main()
