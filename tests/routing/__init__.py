"""The routing file: what is read, what is refused, what it answers."""
