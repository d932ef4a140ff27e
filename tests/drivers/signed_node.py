"""A node whose receipts are signed: `python -m tests.drivers.signed_node`, asked as STDIO.md says."""

import sys

from cbmnet.drivers.stdio_node import Init, config_of, serve
from cbmnet.protocols.variants.receipts import Receipts
from tests.protocols.test_receipts import Signed


def make(init: Init) -> Receipts:
    """The party's endpoint with its notary."""
    return Receipts(config_of("receipts", init.config), Signed().notaries[init.node_id])


if __name__ == "__main__":
    serve(make, sys.stdin.buffer, sys.stdout.buffer)
