"""The email channel, held by real servers and by a corpus of real letters."""
