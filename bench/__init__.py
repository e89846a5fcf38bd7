"""Measurements: what the bank does in a second, against what other designs do on the same machine."""
