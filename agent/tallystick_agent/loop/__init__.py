"""Sessions at work: the pure step, the turn that carries it out, and the owner that takes operations and gives events."""
