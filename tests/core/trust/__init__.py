"""Tests of how autonomy is earned and lost."""
