"""The web: the API and the inbox, over real sockets."""
