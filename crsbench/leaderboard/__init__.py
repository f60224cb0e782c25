"""Leaderboards: records of runs, and the tables and pages that follow from them."""
