"""Options of the metrics. What a contract fixes in a name, such as the 10 of recall@10, is no option."""

from __future__ import annotations

from pydantic import Field

from crsbench import Options


class LsaOptions(Options):
    dimensions: int = Field(default=300, ge=2, le=1000, description="dimensions of the latent space")
    turns: int = Field(default=3, ge=1, description="how many turns before the response are its context")


class CoherenceOptions(Options):
    dialogues: int = Field(default=800, ge=1, description="how many train dialogues are learnt from")
    rows: int = Field(default=500, ge=1, description="how many rows are measured, the first by hash")
