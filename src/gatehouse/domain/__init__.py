"""Words and rules of account management: plain values, the standard library and nothing else."""
