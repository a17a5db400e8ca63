"""What a scripted model says, in the dialect of every wire. Pure: `tests.support.scripted_provider` owns the server."""
