"""The author's side: YAML for people -> JSON for machines."""
