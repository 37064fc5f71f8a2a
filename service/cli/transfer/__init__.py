"""How do facts get in from files, and out into files, though the way there may break off?"""
