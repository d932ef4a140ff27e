"""The parties: what they do, what they believe of each other, and how they escalate."""
