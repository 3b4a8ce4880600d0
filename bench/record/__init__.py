"""What happened: facts, conditions, measurements, and the journal that keeps them."""
