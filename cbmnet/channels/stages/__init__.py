"""One channel stage a file; found by a sorted folder scan."""
