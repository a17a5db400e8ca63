"""Requests as OpenTelemetry GenAI spans and metrics, sent to a collector that the user named. No text of a message ever goes."""
