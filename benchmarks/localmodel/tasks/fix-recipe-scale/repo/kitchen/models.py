"""The data of a recipe."""

from dataclasses import dataclass, field


@dataclass
class Ingredient:
    name: str
    amount: float
    unit: str = ""


@dataclass
class Recipe:
    title: str
    servings: int
    ingredients: list = field(default_factory=list)

    def amount_of(self, name):
        """Return the amount of the ingredient with that name."""
        for ingredient in self.ingredients:
            if ingredient.name == name:
                return ingredient.amount
        raise KeyError(name)
