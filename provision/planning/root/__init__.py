"""What a plan knows of the target root: its paths, accounts and labels. Pure."""
