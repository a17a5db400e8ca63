"""Turn ticket numbers into seats of the main hall and back."""

SEATS_PER_ROW = 12
ROW_LETTERS = "ABCDEFGHJK"  # there is no row I
CAPACITY = SEATS_PER_ROW * len(ROW_LETTERS)


def seat_for(ticket):
    """Return the seat of a ticket: ticket 1 is "A1", ticket 13 is "B1"."""
    if not 1 <= ticket <= CAPACITY:
        raise ValueError(f"there is no ticket {ticket}")
    row = ticket // SEATS_PER_ROW
    place = (ticket - 1) % SEATS_PER_ROW + 1
    return f"{ROW_LETTERS[row]}{place}"


def ticket_for(seat):
    """Return the ticket number of a seat such as "C7"."""
    row = ROW_LETTERS.index(seat[0])
    place = int(seat[1:])
    return row * SEATS_PER_ROW + place


def seats_for(first_ticket, count):
    """Return the seats of `count` tickets in a row, starting at `first_ticket`."""
    return [seat_for(first_ticket + step) for step in range(count)]
