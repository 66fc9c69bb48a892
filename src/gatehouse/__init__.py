"""Gatehouse: an account service for the clients of a legacy `account.svc`."""

__version__ = "0.1.0"
