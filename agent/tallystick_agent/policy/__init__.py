"""What may happen: paths, commands, approvals, secrets. Decisions are pure; the one effect is opening a path safely."""
