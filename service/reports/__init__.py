"""Results that come by themselves: what was found, written down once, in five forms, and delivered."""
