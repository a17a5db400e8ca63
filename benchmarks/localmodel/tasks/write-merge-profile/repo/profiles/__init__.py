"""User profiles and changes to them."""
