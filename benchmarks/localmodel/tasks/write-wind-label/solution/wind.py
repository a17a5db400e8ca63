"""Words for the weather report."""


def wind_label(speed):
    """Return a word for a wind speed in km/h.

    less than 6             -> "calm"
    from 6, less than 39    -> "breeze"
    from 39, less than 62   -> "strong wind"
    from 62, less than 89   -> "gale"
    89 and more             -> "storm"

    A negative speed raises ValueError.
    """
    if speed < 0:
        raise ValueError("the speed must not be negative")
    if speed < 6:
        return "calm"
    if speed < 39:
        return "breeze"
    if speed < 62:
        return "strong wind"
    if speed < 89:
        return "gale"
    return "storm"
