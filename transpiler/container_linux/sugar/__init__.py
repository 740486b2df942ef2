"""What ct expands: sections and shorthands -> parts of an Ignition config."""
