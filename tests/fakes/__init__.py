"""Stand-ins for other programs that speak the wire, never a patched method."""
