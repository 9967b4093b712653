"""How letters travel: out by SMTP, in from a mailbox by IMAP or through a listener; never what they say."""
