"""Tests of the config format."""
