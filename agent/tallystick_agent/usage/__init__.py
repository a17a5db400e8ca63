"""Every token has an owner: pricing, the split by segment, the ledger, and what is read from it."""
