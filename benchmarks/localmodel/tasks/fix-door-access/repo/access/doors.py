"""The decision at the door."""


def may_enter(badge, zone, rules, escorted=False):
    """Return whether the badge opens the door to the zone.

    Suspended badges open nothing. Visitors need an escort. One rule that
    forbids the zone is stronger than any number of rules that allow it, and
    without a rule that allows it the door stays closed.
    """
    if badge.suspended:
        return False
    if badge.visitor and escorted:
        return False
    matching = [rule for rule in rules if rule.applies_to(badge, zone)]
    if any(not rule.allow for rule in matching):
        return False
    return len(matching) > 0


def open_zones(badge, zones, rules):
    """Return the zones that the badge opens without an escort."""
    return [zone for zone in zones if may_enter(badge, zone, rules)]
