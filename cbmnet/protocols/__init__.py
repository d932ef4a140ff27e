"""Endpoints without I/O: bytes, commands and the time go in; bytes, events and timers come out."""
