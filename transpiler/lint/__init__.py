"""Lints: warnings that Butane does not give. Each has the name of its rule, by which an author can silence it.

`for_authors` runs all lints; `units` and `content` judge what programs of the machine read; `explanations` gives
problems of the format better places and hints; `syntax` does so for texts that are not YAML; `silenced` removes the
warnings that a comment or a setting silences.
"""
