"""What an incoming letter says, and whether it may count: pure, but for the keys that DKIM asks the DNS for."""
