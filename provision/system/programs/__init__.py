"""Programs that the engine starts: run without a shell, watched, and asked before the real run."""
