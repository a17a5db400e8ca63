"""The APIs that callers speak: their requests become ours, our answers become theirs. One file a direction."""
