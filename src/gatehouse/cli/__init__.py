"""The command line: each module parses, calls an operation and prints."""
