"""Reading a mailbox."""
