"""Runs: config from a file, everything built from it, one replication at a time."""
