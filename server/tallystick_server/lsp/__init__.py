"""The Language Server Protocol host: any LSP editor in front of the engine. The only package that knows LSP."""
