"""What `sayso doctor` looks at in email."""
