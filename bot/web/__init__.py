"""What comes in over HTTP: the API, Slack's signed posts, health, and the inbox's pages."""
