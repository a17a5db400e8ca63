"""The badges people carry."""

from dataclasses import dataclass, field


@dataclass
class Badge:
    owner: str
    groups: set = field(default_factory=set)
    visitor: bool = False
    suspended: bool = False
