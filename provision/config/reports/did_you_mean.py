"""The word that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable

MAX_LENGTH = 100
"""Longer words are not compared: none that is known is similar, and a comparison takes time and memory."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean plan?)` if a known word is near, else empty."""
    from difflib import get_close_matches

    near = get_close_matches(word, sorted(known), n=1) if len(word) <= MAX_LENGTH else []
    return f" (did you mean {near[0]}?)" if near else ""
