"""Read YAML text: text -> a tree with places -> typed values."""
