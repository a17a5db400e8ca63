"""Keep count of what is in the stockroom."""
