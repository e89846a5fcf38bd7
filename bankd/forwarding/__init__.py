"""The ways out for events: from the journal and the outbox to other systems."""
