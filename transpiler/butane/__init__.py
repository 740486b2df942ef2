"""Butane's variants: records, rules, sugar, checks, schemas."""
