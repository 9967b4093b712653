"""The store: one contract over every database, and what a crash, a full disk or a forger can do to it."""
