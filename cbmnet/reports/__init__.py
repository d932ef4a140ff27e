"""What people look at: stories and diagrams of runs."""
