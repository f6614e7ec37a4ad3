"""One adapter a provider or protocol: it authenticates, reads and answers; storing and applying are the same for all."""
