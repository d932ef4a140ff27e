"""What holds for all tests."""

from hypothesis import settings

# Machines are shared and noisy: how long an example took says nothing about the code.
settings.register_profile("cbmnet", deadline=None)
settings.load_profile("cbmnet")
