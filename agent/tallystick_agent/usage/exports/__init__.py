"""Rows of the ledger in other programs' formats. Everything here streams: what it holds does not grow with the rows."""
