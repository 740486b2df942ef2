"""JSON text -> plain values -> Config and back, with the verdicts of Go's encoding/json."""
