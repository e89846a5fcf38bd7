"""``bankctl``, the operator's command."""
