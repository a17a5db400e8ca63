"""Print rows as a plain text table."""


def column_widths(headers, rows):
    """Return the width of every column: its longest cell or its header."""
    widths = []
    for index, header in enumerate(headers):
        width = len(header)
        for row in rows:
            width = max(len(header), len(str(row[index])))
        widths.append(width)
    return widths


def format_row(cells, widths):
    """Return one line of the table; numbers are moved to the right."""
    parts = []
    for cell, width in zip(cells, widths):
        if isinstance(cell, int):
            parts.append(str(cell).rjust(width))
        else:
            parts.append(str(cell).ljust(width))
    return " | ".join(parts)


def format_table(headers, rows):
    """Return the whole table with a line of dashes below the headers."""
    widths = column_widths(headers, rows)
    lines = [format_row(headers, widths)]
    lines.append("-+-".join("-" * width for width in widths))
    for row in rows:
        lines.append(format_row(row, widths))
    return "\n".join(lines)
