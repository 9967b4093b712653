"""What is held against the truth: each check gives findings, and says what it wanted."""
