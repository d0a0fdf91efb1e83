"""Physics-based scenes as an array of 24 x 32 thermal pixels sees them."""
