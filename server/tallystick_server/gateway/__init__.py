"""The HTTP door for other apps: one API over many providers, and one tally of it all."""
