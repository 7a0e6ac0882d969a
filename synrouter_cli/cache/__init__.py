"""One pure model of a provider's prompt cache, and what is decided with it."""
