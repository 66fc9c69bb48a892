"""The load generator behind `gatehouse load` and `scripts/soak`: calls, connections, and what their answers took."""
