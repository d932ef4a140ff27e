"""Reducers that watch a run; one metric a file, found by a sorted folder scan."""
