"""How the resources of each URL scheme are fetched and verified."""
