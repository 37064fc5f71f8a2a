"""How many units, days and doses does an answer take? Computed when asked; nothing is kept."""
