"""One belief rule a file; found by a sorted folder scan."""
