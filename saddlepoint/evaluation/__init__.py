"""Playing episodes under attack, and making a robustness report of them."""
