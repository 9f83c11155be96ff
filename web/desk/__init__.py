"""Participants' pages: from the mailed link to the receipt."""
