"""Pure rules: passwords, guesses, codes and the shape of credentials."""
