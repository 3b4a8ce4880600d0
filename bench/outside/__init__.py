"""The one door for every text from outside: its size, depth and type are checked here."""
