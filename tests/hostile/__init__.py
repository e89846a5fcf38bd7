"""What strangers and bad customers try against a running bank, and what it must answer: docs/testing.md tells of it."""
