"""Policy packs and what follows from them: predicates, patterns, credit points."""
