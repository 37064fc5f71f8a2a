"""What does each kind of report say, block by block, in one language?"""
