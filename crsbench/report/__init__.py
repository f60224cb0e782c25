"""A run as a page: what ran, how it did, what of it can be believed, and what it says in conversations."""
