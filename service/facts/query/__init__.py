"""What do the pinned facts say of one experiment's arms, as moments?"""
