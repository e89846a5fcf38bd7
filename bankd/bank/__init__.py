"""The bank's rules, as plain functions over a connection or a transaction."""
