"""Many users at once: acts that run in the background, can be stopped, and most of them undone."""
