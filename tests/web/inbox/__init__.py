"""The inbox over real sockets: the real application, desk and SQLite file, and a real browser."""
