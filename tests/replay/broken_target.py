"""A module that cannot be loaded."""

raise RuntimeError("the billing library is not configured")
