"""The whole program, driven from outside: real processes, real sockets, a Slack that speaks the wire."""
