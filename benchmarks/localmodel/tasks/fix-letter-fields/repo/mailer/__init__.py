"""Fill in the fields of letters."""
