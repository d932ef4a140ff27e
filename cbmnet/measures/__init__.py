"""Activities that parties notice, and the duty to notify them."""

from cbmnet.measures.activity import ActivityClass, Notice, Observation, Verdict

__all__ = ["ActivityClass", "Notice", "Observation", "Verdict"]
