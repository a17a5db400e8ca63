"""Wire formats: our request to a provider's JSON, its stream to our events. Pure both ways; no network, no clock."""
