"""The HTTP API over real sockets, on the real desk and a real SQLite file."""
