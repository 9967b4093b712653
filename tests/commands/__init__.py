"""The commands, as a person at a terminal runs them."""
