"""Share bills between friends."""
