"""What is known already: notes beside things, a search over all of it, and what the program has yielded."""
