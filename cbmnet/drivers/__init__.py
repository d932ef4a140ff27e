"""Pumps without policy: they move bytes, events and timers between endpoints and a clock."""

MAX_STEPS_AT_ONCE = 1_000_000
"""So much may happen at one instant, if nobody says otherwise; more is something that spins for ever."""
