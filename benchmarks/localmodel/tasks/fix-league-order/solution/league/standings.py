"""Put the teams in order."""

from league.records import Record


def collect(matches):
    """Return one record per team; a match is (home, away, home_goals, away_goals)."""
    records = {}
    for home, away, home_goals, away_goals in matches:
        records.setdefault(home, Record(home)).add(home_goals, away_goals)
        records.setdefault(away, Record(away)).add(away_goals, home_goals)
    return list(records.values())


def sort_key(record):
    """Most points first, then the best goal difference, then the name."""
    return (-record.points, -record.difference, record.team)


def standings(matches):
    """Return the names of the teams, best team first."""
    return [record.team for record in sorted(collect(matches), key=sort_key)]
