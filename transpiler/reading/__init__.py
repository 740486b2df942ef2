"""YAML text -> a tree with places -> typed values."""
