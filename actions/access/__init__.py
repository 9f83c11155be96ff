"""Who gets in, with what proof, and where their codes go."""
