"""What one customer got: their CPIs against what they expect, and their journey for those who may see it."""
