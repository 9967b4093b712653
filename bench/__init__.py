"""What the program costs, measured: ``python -m bench`` prints the table that ``docs/performance.md`` explains."""
