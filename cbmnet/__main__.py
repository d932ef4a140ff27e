"""`python -m cbmnet`."""

from cbmnet.cli import main

main()
