"""Secrets: what people choose (hashed), what we draw at random (digested), what we must read again (sealed)."""
