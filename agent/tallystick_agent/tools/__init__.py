"""What a model may do: one file a tool, a registry, and the runner, which is the one door to all of them."""
