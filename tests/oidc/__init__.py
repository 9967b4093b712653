"""Signing in by an identity provider, against one that speaks the wire."""
