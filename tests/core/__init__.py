"""Tests of the core: values and decisions, no I/O."""
