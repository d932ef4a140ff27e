"""One decision rule a file; found by a sorted folder scan."""
