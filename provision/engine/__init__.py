"""Carrying plans out: preflight, waves, verification, and the record from which an interrupted run goes on."""
