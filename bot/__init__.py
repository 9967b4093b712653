"""Sayso: an approval bot that stands between what an AI agent proposes and what happens."""
