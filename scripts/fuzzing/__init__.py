"""Finds requests that the service does not answer as it should. `scripts/fuzz` runs it, and a test for a while."""
