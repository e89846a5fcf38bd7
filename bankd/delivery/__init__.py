"""The ways by which messages reach customers outside of any connection."""
