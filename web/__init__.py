"""Pages for the people of an agency: desks, forms, and what each may see there."""
