"""What is known about the texts of units, quadlets and files: sections and settings, and completion inside them."""
