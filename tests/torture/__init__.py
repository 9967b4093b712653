"""Killing the program at every step that it commits, on either store, and holding it to what it told."""
