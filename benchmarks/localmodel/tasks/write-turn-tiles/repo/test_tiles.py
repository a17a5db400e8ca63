import unittest

from tiles import turn


class TurnTest(unittest.TestCase):
    def test_square(self):
        self.assertEqual(turn([[1, 2], [3, 4]]), [[3, 1], [4, 2]])

    def test_wide_grid_gets_tall(self):
        self.assertEqual(turn([["a", "b", "c"]]), [["a"], ["b"], ["c"]])

    def test_half_turn(self):
        self.assertEqual(turn([[1, 2, 3], [4, 5, 6]], 2), [[6, 5, 4], [3, 2, 1]])

    def test_counter_clockwise(self):
        self.assertEqual(turn([[1, 2], [3, 4]], -1), [[2, 4], [1, 3]])

    def test_full_turn_is_a_new_grid(self):
        grid = [[1, 2], [3, 4]]
        turned = turn(grid, 4)
        self.assertEqual(turned, grid)
        turned[0][0] = 99
        self.assertEqual(grid, [[1, 2], [3, 4]])

    def test_many_turns(self):
        self.assertEqual(turn([[1, 2], [3, 4]], 9), [[3, 1], [4, 2]])

    def test_given_grid_is_not_changed(self):
        grid = [[1, 2], [3, 4]]
        turn(grid)
        self.assertEqual(grid, [[1, 2], [3, 4]])


if __name__ == "__main__":
    unittest.main()
