"""What people see, one folder a channel: Jinja2 templates and static files."""
