"""Published and derived results as cases: the exact value beside the one the program gives."""
