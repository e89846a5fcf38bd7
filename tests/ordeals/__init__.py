"""Ordeals: programs that kill and crowd a real bank, and hold what it said against what it then knows.

`make crashes` and `make contention` run them for long, tests/system/test_ordeals.py for short; docs/testing.md tells
what they show.
"""
