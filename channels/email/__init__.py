"""Email: cards as letters, answers to them as decisions. Importing it imports aiosmtplib."""
