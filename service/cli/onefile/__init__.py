"""The analysis of one file, without a server: read it, ask `analyses`, say the answer."""
