"""A year of life through the real desk, by agents and people whose every secret is known, and what it shows.

Each request has a truth (would it do harm as proposed; what would be right) that is drawn beforehand and told to nobody
but the people of this play, who notice it as well as they are able to. So what Sayso publishes about its agents and
people can be held against what they are.
"""
