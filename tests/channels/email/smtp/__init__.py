"""Sending letters."""
