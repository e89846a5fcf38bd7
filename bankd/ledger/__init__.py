"""Double entry as pure functions over values: no clock, no database, no network."""
