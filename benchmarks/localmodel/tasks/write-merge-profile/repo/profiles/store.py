"""Profiles by user name."""

from profiles.merging import merge


class Store:
    def __init__(self):
        self._profiles = {}

    def get(self, user):
        """Return the profile of a user, an empty one for a new user."""
        return self._profiles.get(user, {})

    def change(self, user, changes):
        """Apply changes to the profile of a user and return the new profile."""
        self._profiles[user] = merge(self.get(user), changes)
        return self._profiles[user]
