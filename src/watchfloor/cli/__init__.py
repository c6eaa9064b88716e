"""The command line: the only floor that prints, and where the floors are composed."""
