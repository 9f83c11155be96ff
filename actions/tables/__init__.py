"""Files of strangers as rows of text: read in a child process that may use only so much memory and time."""
