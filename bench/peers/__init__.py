"""What one would pick instead, doing the same job: each runs in an environment of its own (`bench.peers.install`)."""
