"""The JSON API: one file per family of endpoints."""
