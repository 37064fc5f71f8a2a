"""What does a result look like? One Vega-Lite specification a chart, and what draws it."""
