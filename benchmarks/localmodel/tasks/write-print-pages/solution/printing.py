"""The print dialog."""


def parse_pages(text):
    """Return the sorted list of pages that a text such as "1-3, 7" names.

    Parts are separated by commas. A part is one page ("7") or a range with
    both ends included ("1-3"). Spaces around pages and parts are ignored.
    No page is listed twice. A range that runs backwards ("5-3") raises
    ValueError. An empty text gives an empty list.
    """
    if not text.strip():
        return []
    pages = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        start = int(first)
        end = int(last) if dash else start
        if end < start:
            raise ValueError(f"{part} runs backwards")
        pages.update(range(start, end + 1))
    return sorted(pages)
