"""Prices for sending parcels, in cents."""

# (heaviest parcel in kg, price in cents); the limit itself still counts
PRICES = [(1, 390), (2, 490), (5, 690), (10, 990)]
EXPRESS_EXTRA = 500
INSURANCE_PER_100_EURO = 120


def base_price(weight):
    """Return the price for a parcel of that weight in kg."""
    if weight <= 0:
        raise ValueError("the weight must be positive")
    for limit, price in PRICES:
        if weight < limit:
            return price
    raise ValueError("too heavy")


def insurance(value):
    """Return the insurance price; every started 100 euro are charged."""
    hundreds = (value + 99) // 100
    return hundreds * INSURANCE_PER_100_EURO


def total_price(weight, express=False, value=0):
    """Return the full price of a parcel."""
    price = base_price(weight) + insurance(value)
    if express:
        price += EXPRESS_EXTRA
    return price
