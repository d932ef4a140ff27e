"""One protocol variant a file; found by a sorted folder scan."""
