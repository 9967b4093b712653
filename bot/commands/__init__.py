"""The commands, one file a group; `bot.__main__` imports only the file whose command is run."""
