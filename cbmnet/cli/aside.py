"""What a study's own code prints goes to standard error: standard output belongs to the verb's result."""

import sys
from contextlib import AbstractContextManager, redirect_stdout
from typing import TextIO


def aside() -> AbstractContextManager[TextIO]:
    """While this lasts, variants, stages and metrics print to standard error; forked workers do so too."""
    return redirect_stdout(sys.stderr)
