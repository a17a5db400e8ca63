"""The ledger of the stockroom."""

from stockroom.names import normalise


class Ledger:
    """Counts items; names are compared in their normalised form."""

    def __init__(self):
        self._counts = {}

    def put(self, name, count=1):
        """Add some pieces of an item and return how many there are now."""
        key = normalise(name)
        self._counts[key] = self._counts.get(key, 0) + count
        return self._counts[key]

    def take(self, name, count=1):
        """Remove some pieces of an item and return how many are left."""
        key = name
        if key not in self._counts:
            raise KeyError(name)
        if count > self._counts[key]:
            raise ValueError(f"only {self._counts[key]} of {key} left")
        self._counts[key] -= count
        return self._counts[key]

    def count(self, name):
        """Return how many pieces of an item there are."""
        return self._counts.get(normalise(name), 0)
