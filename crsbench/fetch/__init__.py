"""Bring a dataset's official files into the data folder: pinned, verified, resumable, safely unpacked."""
