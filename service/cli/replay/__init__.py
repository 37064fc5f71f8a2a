"""A/A replay: units that were there, split at random, and how often the split looks like an effect."""
