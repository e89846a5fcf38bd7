"""All rules, by section."""

from bankd.conformance.rule import Rule, rules_of
from bankd.conformance.rules import access, lines, lists, money, signatures, values

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (rule for module in (lines, values, access, money, lists, signatures) for rule in rules_of(module)),
        key=lambda rule: rule.section,
    )
)
