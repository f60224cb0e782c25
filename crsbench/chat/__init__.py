"""A conversation with a trained policy, and how it is kept."""
