"""Hash chains, Merkle trees, keyed tokens."""
