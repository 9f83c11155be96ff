"""From plain facts to a letter, and from the letter to the mail server."""
