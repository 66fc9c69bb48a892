"""Empties the outbox: a worker that claims messages, templates that word them and channels that carry them."""
