"""Who used the tokens, in order: windows, places, trends, bars and medians over sums of the ledger. Pure; owns no database."""
