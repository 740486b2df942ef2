"""A first boot: whether this boot is one, what each stage of it needs, and how it ends."""
