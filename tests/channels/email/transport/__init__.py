"""Letters on their way, over real connections."""
