"""One invariant a file; found by a sorted folder scan."""
