"""Pumps without policy: they move bytes, events and timers between endpoints and a clock."""
