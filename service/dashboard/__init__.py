"""What the pages of the dashboard show, as values that templates render."""
