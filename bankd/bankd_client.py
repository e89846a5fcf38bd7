"""The program ``bankd-client``, up to the choice of its language: whatever has words is imported only after that."""

import os
import sys

from bankd import language


def main() -> int:
    """Run the client in the language that its user wants; the exit status."""
    language.choose(language.wanted(sys.argv[1:], os.environ))
    from bankd.client.main import main as bank

    return bank()
