import unittest

from kitchen.models import Ingredient, Recipe
from kitchen.scaling import scale


def pancakes():
    return Recipe(
        "pancakes",
        4,
        [Ingredient("flour", 200, "g"), Ingredient("milk", 300, "ml"), Ingredient("egg", 2)],
    )


class ScalingTest(unittest.TestCase):
    def test_double(self):
        big = scale(pancakes(), 8)
        self.assertEqual(big.amount_of("flour"), 400)
        self.assertEqual(big.amount_of("egg"), 4)

    def test_half(self):
        small = scale(pancakes(), 2)
        self.assertEqual(small.amount_of("flour"), 100)
        self.assertEqual(small.amount_of("egg"), 1)

    def test_one_and_a_half_times(self):
        more = scale(pancakes(), 6)
        self.assertEqual(more.amount_of("milk"), 450)
        self.assertEqual(more.servings, 6)

    def test_original_is_not_changed(self):
        recipe = pancakes()
        scale(recipe, 8)
        self.assertEqual(recipe.amount_of("flour"), 200)
        self.assertEqual(recipe.servings, 4)

    def test_no_guests(self):
        with self.assertRaises(ValueError):
            scale(pancakes(), 0)


if __name__ == "__main__":
    unittest.main()
