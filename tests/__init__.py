"""Tests of Sayso; the folders mirror the rooms of the project."""
