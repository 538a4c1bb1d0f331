"""Find users: what an operator asks for, what their words are taken for, and the pages of the list."""
