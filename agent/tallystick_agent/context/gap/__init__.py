"""The gap at a cursor: what of the text around it a model reads, and what of its answer is shown."""
