"""Carries plans out: simulation before the first change, waves, verification, and the record of what was done."""
