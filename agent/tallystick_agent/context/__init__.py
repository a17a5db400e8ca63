"""What a model gets to see, and what it weighs: fragments, assembly, budget, compaction, failing tests. Plans are pure."""
