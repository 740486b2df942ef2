"""The config format, pure: standard library only, shared by the engine and the transpiler."""
