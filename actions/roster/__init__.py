"""From an agency's folder to people, posts and superiors as dated rows."""
