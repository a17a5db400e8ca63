"""The other half of the Language Server Protocol: servers of our own, asked for diagnostics. Hand-written JSON, no host."""
