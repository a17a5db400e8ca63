"""The suffixes of a model slug: `:free :nitro :floor :exacto :thinking :extended :online`. Owns the parsing of slugs; pure."""

from dataclasses import dataclass, replace
from typing import Final

from tallystick_agent.providers.preferences import Policy, Preferences

ROUTING: Final[dict[str, Policy]] = {"nitro": "throughput", "floor": "price", "exacto": "exacto"}
"""Suffixes that only say how to route."""
ENTRIES: Final = ("free", "thinking", "extended", "batch")
"""Suffixes that may be entries of a provider's own catalog."""
KNOWN: Final = frozenset({*ROUTING, *ENTRIES, "online"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A slug taken apart. `base` has no variant; a suffix that is none, such as a size, stays in it."""

    base: str
    variants: tuple[str, ...] = ()

    def has(self, variant: str) -> bool:
        return variant in self.variants

    @property
    def slug(self) -> str:
        return ":".join((self.base, *self.variants))

    @property
    def entry(self) -> str:
        """The slug with those suffixes alone that a catalog may list."""
        return ":".join((self.base, *(one for one in self.variants if one in ENTRIES)))


def parse(slug: str) -> Named:
    base, variants = slug, tuple[str, ...]()
    while ":" in base:
        head, _, last = base.rpartition(":")
        if last not in KNOWN or not head:
            break
        base, variants = head, (last, *variants)
    return Named(base=base, variants=variants)


def wish_of(named: Named, wish: Preferences) -> Preferences:
    """The preferences with what the variants ask; a named order of providers stays above them."""
    for variant in named.variants:
        if variant in ROUTING and not wish.order:
            wish = replace(wish, policy=ROUTING[variant])
        elif variant == "free":
            wish = replace(wish, free_only=True)
        elif variant == "extended" and not wish.order:
            wish = replace(wish, policy="window")
    return wish
