import unittest

from league.standings import collect, standings


class StandingsTest(unittest.TestCase):
    def test_points_come_first(self):
        matches = [("Owls", "Bears", 1, 0), ("Bears", "Foxes", 5, 5), ("Owls", "Foxes", 2, 1)]
        self.assertEqual(standings(matches)[0], "Owls")

    def test_same_points_better_difference_wins(self):
        matches = [("Bears", "Crows", 1, 0), ("Owls", "Ducks", 4, 0)]
        self.assertEqual(standings(matches), ["Owls", "Bears", "Crows", "Ducks"])

    def test_all_the_same_is_sorted_by_name(self):
        matches = [("Owls", "Bears", 2, 2), ("Foxes", "Crows", 1, 1)]
        self.assertEqual(standings(matches), ["Bears", "Crows", "Foxes", "Owls"])

    def test_points_and_goals_of_a_team(self):
        (owls, bears) = collect([("Owls", "Bears", 3, 1), ("Bears", "Owls", 0, 0)])
        self.assertEqual((owls.team, owls.points, owls.difference), ("Owls", 4, 2))
        self.assertEqual((bears.team, bears.points, bears.difference), ("Bears", 1, -2))


if __name__ == "__main__":
    unittest.main()
