"""Recipes for any number of guests."""
