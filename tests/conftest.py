"""What holds for all tests."""

import os

from hypothesis import settings

# Machines are shared and noisy: how long an example took says nothing about the code. A run on a clean
# checkout always tries the same examples; `make soak` tries others each time.
settings.register_profile("cbmnet", deadline=None, derandomize="CBMNET_SOAK" not in os.environ)
settings.load_profile("cbmnet")
