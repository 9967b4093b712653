"""Tests of what an incoming letter says, and whether it may count."""
