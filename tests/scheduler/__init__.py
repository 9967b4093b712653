"""The ticking."""
