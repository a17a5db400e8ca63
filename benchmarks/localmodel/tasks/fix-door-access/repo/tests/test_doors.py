import unittest

from access.badges import Badge
from access.doors import may_enter, open_zones
from access.rules import Rule

RULES = [
    Rule("lab", "staff"),
    Rule("lab", "interns", allow=False),
    Rule("canteen", "staff"),
    Rule("canteen", "guests"),
]


class DoorsTest(unittest.TestCase):
    def test_staff(self):
        badge = Badge("Ida", {"staff"})
        self.assertEqual(open_zones(badge, ["lab", "canteen", "roof"], RULES), ["lab", "canteen"])

    def test_forbidden_group(self):
        badge = Badge("Bo", {"staff", "interns"})
        self.assertFalse(may_enter(badge, "lab", RULES))

    def test_visitor_with_escort(self):
        badge = Badge("Vic", {"guests"}, visitor=True)
        self.assertTrue(may_enter(badge, "canteen", RULES, escorted=True))

    def test_visitor_alone(self):
        badge = Badge("Vic", {"guests"}, visitor=True)
        self.assertFalse(may_enter(badge, "canteen", RULES))

    def test_suspended_badge(self):
        badge = Badge("Max", {"staff"}, suspended=True)
        self.assertFalse(may_enter(badge, "canteen", RULES))


if __name__ == "__main__":
    unittest.main()
