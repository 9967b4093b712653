"""A module that takes for ever to load."""

import time

time.sleep(60)


def refund() -> None:
    """Never reached."""
