"""Which definitions of a workspace a task is about: parsing, the index on disk, ranking, and maps that fit a budget."""
