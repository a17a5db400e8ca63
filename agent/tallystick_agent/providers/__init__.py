"""One typed request to many providers. Owns wire formats, transport, retries, routing and the table of endpoints."""
