"""Redaction and erasure, through every door (threat T23)."""
