"""Small sums for a weather station."""


def to_fahrenheit(celsius):
    """Return a temperature in degrees Fahrenheit: nine fifths of the Celsius value, plus 32."""
    return celsius * 9 / 5 - 32


def average(readings):
    """Return the mean of a list of readings, or None when there is none."""
    if not readings:
        return None
    return sum(readings) / len(readings)


def warmest(days):
    """Return the name of the day with the highest reading; `days` maps names to readings."""
    return max(days, key=days.get)
