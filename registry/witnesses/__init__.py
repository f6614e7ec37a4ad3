"""Who outside sees our checkpoints: one adapter a kind. Nothing but a SHA-256 leaves, and no Django is needed."""
