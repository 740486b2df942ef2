"""A first boot: running one stage, what it saves for the next one, and what is shown when it fails."""
