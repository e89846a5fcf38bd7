"""The protocols in front of the bank; each is handed the portal, and knows nothing of what stands behind it."""
