"""Empties the outbox: a worker that claims messages and channels that carry them."""
