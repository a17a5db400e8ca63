"""Rules that open or close a zone for a group."""

from dataclasses import dataclass


@dataclass
class Rule:
    zone: str
    group: str
    allow: bool = True

    def applies_to(self, badge, zone):
        """Return whether this rule is about that badge in that zone."""
        return zone == self.zone and self.group in badge.groups
