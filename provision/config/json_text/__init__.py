"""JSON text -> plain values -> Config and back. Accepts and refuses the same texts as Go's encoding/json."""
