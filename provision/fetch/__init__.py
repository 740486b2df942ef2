"""Where a config comes from, and every resource that a config names: fetched, unpacked, verified."""
