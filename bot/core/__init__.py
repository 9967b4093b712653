"""The ground: values and decisions only. No async, no clock, no I/O, and no import of ours from above."""
