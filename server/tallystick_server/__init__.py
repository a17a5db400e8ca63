"""The doors to the engine: LSP, command line, and the parts of this machine they share."""
