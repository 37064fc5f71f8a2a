"""What do changes that nobody randomised say? Shown apart, never a proof."""
