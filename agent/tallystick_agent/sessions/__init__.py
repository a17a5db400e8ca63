"""Sessions as append-only event logs: writing them, folding them into state, finding them again."""
