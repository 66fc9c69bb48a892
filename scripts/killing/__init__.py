"""Kills the service under load, and compares what it acknowledged with what it knows afterwards."""
