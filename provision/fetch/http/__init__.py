"""HTTP as a first boot needs it."""
