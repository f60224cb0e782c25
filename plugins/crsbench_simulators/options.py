"""Options of the simulators."""

from __future__ import annotations

from pydantic import Field

from crsbench import Options


class ReplayOptions(Options):
    episodes: int = Field(default=400, ge=1, le=100_000, description="conversations of an evaluation")


class SilentOptions(ReplayOptions):
    turns: int = Field(default=4, ge=1, le=50, description="recommendations after which a conversation stops")


class LanguageModelOptions(Options):
    episodes: int = Field(default=50, ge=1, le=100_000, description="conversations of an evaluation")
    base_url: str = Field(
        default="",
        pattern=r"^(https?://\S+)?$",
        description="an OpenAI-compatible endpoint, as in http://localhost:8000/v1; all talk goes there",
    )
    model: str = Field(default="", description="its name at the endpoint, or the folder of a local one")
    key_variable: str = Field(
        default="",
        pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$",
        description="the NAME of the environment variable that holds the key; empty: none is sent",
    )
    temperature: float = Field(default=0.0, ge=0, le=2, description="0: the likeliest words")
    tokens: int = Field(default=120, ge=1, le=4096, description="the longest answer, in tokens")
    turns: int = Field(default=6, ge=1, le=50, description="recommendations after which a conversation stops")
    timeout: float = Field(default=60.0, gt=0, le=3600, description="seconds to wait for an answer")
    retries: int = Field(default=4, ge=0, le=10, description="tries again after a failure that may pass")
    parallel: int = Field(default=4, ge=1, le=64, description="requests to the endpoint at once")
