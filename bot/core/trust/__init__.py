"""What autonomy is earned with, what is granted for it, and what takes it back at once (threat T15)."""
