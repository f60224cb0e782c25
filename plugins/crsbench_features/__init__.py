"""Grounding: what a state says about the items of the catalogue, in forms that models can weigh."""
