"""`scripts/bench`: how near the service comes to the limits of one core. docs/benchmarks.md says how to read it."""
