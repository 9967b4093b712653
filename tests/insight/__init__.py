"""Tests of what keeps the figures."""
