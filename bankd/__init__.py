"""bankd: a complete retail bank in one daemon, with its clients and its tools."""

__version__ = "0.1.0"
