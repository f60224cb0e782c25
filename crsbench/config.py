"""Options of plugins and the configuration of a run: validated once, frozen afterwards."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Base of every plugin's options. Give each field a default, bounds and a description."""

    model_config = ConfigDict(frozen=True, extra="forbid")
