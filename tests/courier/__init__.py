"""The courier on a real store and a real receiver, its channels recorded."""
