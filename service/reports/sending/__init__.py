"""How does a message leave? One module a kind of receiver; each says what was answered, or raises Unsent."""
