"""A small calculator for whole lines of arithmetic."""
