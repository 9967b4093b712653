"""The push channel at its wires."""
