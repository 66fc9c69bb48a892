"""Wire in, operation, wire out: one folder per protocol, and what the protocols of `account.svc` share."""
