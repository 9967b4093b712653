"""The demo: the real bot on a fresh SQLite file, a sample agent, and a receiver that shows what it was asked to do."""
