"""The room of checkpoints, with real stores, files, sockets and a server of buckets."""
