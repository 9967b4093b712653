"""Tests of the channels, against fakes that speak the wire."""
