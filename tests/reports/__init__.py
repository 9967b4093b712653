"""The compliance report: its counts, its words, its looks."""
