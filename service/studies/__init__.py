"""Studies: what do unrandomised data say of a causal question? Never a verdict, and no part of one."""
