"""Verification agents: they decide which messages become evidence, and say why."""
