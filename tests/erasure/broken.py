"""A target that says all that it was given: it prints it, and fails with it."""

from __future__ import annotations

import sys
from typing import NoReturn


def charge(**arguments: object) -> NoReturn:
    """Print the arguments, and raise with them."""
    sys.stdout.write(f"charging {arguments}\n")
    raise ValueError(f"cannot charge {arguments}")
