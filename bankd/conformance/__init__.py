"""``bankd-conformance HOST:PORT``: grades any server that claims to speak BANK/1, a line for each rule.

It knows the protocol's page and nothing of this bank: forms and states are what ``specification`` has of the page, and
each rule names the section that it is from. Only the standard library is needed.
"""
