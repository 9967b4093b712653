"""What letters say and how they look: cards as sheets, sheets as text and HTML, both as one message."""
