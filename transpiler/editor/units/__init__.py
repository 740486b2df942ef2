"""What is known about the texts of units and quadlets: their sections and settings, and completion inside them."""
