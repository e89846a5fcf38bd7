"""What ends an ordeal: a promise that the bank broke."""


class Wrong(AssertionError):
    """The bank broke a promise; the text says which, and how it was seen."""
