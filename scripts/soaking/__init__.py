"""`scripts/soak`: whether the service stays as it is under a long load. docs/benchmarks.md says how to read it."""
