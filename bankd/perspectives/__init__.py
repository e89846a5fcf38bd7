"""Who may do what: credentials are checked, sessions are exclusive, and a perspective is all that its holder can do."""
