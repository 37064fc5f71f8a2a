"""Forms that register and plan, step by step: they call what the API calls, and work without scripts."""
