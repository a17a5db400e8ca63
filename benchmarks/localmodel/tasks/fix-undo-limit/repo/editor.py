"""A text field with a limited undo history."""


class Editor:
    """Remembers the texts before the last `limit` edits."""

    def __init__(self, text="", limit=3):
        if limit < 1:
            raise ValueError("the limit must be at least 1")
        self.text = text
        self.limit = limit
        self._past = []

    def _remember(self):
        self._past.append(self.text)
        self._past = self._past[:self.limit]

    def write(self, more):
        """Add text at the end."""
        self._remember()
        self.text += more

    def replace(self, old, new):
        """Replace every `old` by `new`."""
        self._remember()
        self.text = self.text.replace(old, new)

    def undo(self):
        """Go back one edit; return False when there is nothing to undo."""
        if not self._past:
            return False
        self.text = self._past.pop()
        return True
