"""How do facts come in, whatever tool sends them, and how are they acknowledged?"""
