"""Studies: which points there are, how they are run, what is stated about them."""
