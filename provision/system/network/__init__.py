"""Network links (interfaces) of this machine: their addresses and routes."""
