"""Turn the pieces of a tile game."""


def turn(grid, quarters=1):
    """Return a new grid, turned clockwise by `quarters` quarter turns.

    A grid is a list of rows, a row is a list of values. A negative number
    of quarters turns the grid counter-clockwise. The given grid must not be
    changed.

    turn([[1, 2],
          [3, 4]]) returns [[3, 1],
                            [4, 2]].
    """
    result = [list(row) for row in grid]
    for _ in range(quarters % 4):
        result = [list(row) for row in zip(*result[::-1])]
    return result
