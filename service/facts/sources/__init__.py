"""What do the facts of a warehouse say of one experiment's arms? The lake's own query, run where they lie."""
