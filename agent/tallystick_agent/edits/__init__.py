"""Edits to text: matching, application, definitions. Pure; files are read and written through the `Workspace` port."""
