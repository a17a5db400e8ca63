"""What a team has achieved so far."""

from dataclasses import dataclass


@dataclass
class Record:
    team: str
    points: int = 0
    scored: int = 0
    conceded: int = 0

    @property
    def difference(self):
        """Goals scored minus goals conceded."""
        return self.scored - self.conceded

    def add(self, scored, conceded):
        """Count one match: 3 points for a win and 1 for a draw."""
        self.scored += scored
        self.conceded += conceded
        if scored > conceded:
            self.points += 3
        elif scored == conceded:
            self.points += 1
