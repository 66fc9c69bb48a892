"""`scripts/serve --native`: builds argon2-cffi-bindings with the vector instructions of this machine."""
