"""What the decisions of a period amount to: agents, people, time, and how far an agent's confidence can be trusted."""
