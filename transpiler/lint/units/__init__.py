"""Lints of systemd units, drop-ins and quadlets: `unit_text` finds their texts, `settings` judges their lines."""
