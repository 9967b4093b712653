"""Faults that are really there, under the whole program as a process: what was told, stored, proven and done agrees."""
