"""`transpile lsp`: what an editor shows about a config while its author types.

Each module answers one kind of question about a `OpenDocument` in plain values; only `server` knows the protocol.
"""
