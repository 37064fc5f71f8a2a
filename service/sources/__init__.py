"""Where do an experiment's facts live, if not in the lake? Warehouses, described and never with a secret."""
