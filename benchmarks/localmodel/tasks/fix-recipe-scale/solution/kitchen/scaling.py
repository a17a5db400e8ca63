"""Scale recipes up and down."""

from kitchen.models import Ingredient, Recipe


def scale_factor(recipe, servings):
    """Return the number every amount has to be multiplied with."""
    if servings < 1:
        raise ValueError("a recipe needs at least one serving")
    return servings / recipe.servings


def scale(recipe, servings):
    """Return a new recipe for `servings` people."""
    factor = scale_factor(recipe, servings)
    scaled = []
    for item in recipe.ingredients:
        scaled.append(Ingredient(item.name, item.amount * factor, item.unit))
    return Recipe(recipe.title, servings, scaled)
