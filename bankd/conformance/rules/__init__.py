"""The rules, by what they are about; all that a server is held to is in ``catalogue``."""
