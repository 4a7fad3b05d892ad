"""Tools that every service is made of: a closed set of files."""
