"""The bot as whoever runs it meets it: logs, figures, traces, health, its end, and the files of deploy/."""
