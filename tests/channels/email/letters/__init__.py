"""What letters say and how they look."""
