"""How do acknowledged facts get into the lake, stay there once, and stay readable?"""
