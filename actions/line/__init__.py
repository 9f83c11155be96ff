"""Who holds a duty, and until when, as of a day."""
