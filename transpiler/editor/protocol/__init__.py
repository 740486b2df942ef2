"""The messages of the Language Server Protocol: reading them, judging them, and an answer to each request."""
