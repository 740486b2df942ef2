"""A first boot: one stage's run, what it leaves for the next one, and what is said when it fails."""
