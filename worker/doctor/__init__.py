"""What a machine that works must offer, looked at piece by piece."""
