"""What a roster may say, what is wrong with it, and what an import would do."""
