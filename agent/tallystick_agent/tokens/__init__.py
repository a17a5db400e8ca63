"""Counting tokens: the one owner of tiktoken, and of the vocabulary that ships with the package."""
