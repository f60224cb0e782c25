"""Ask an OpenAI-compatible endpoint (POST /chat/completions), with nothing but the standard library."""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from crsbench.errors import PluginError, UsageError
from crsbench.guard import one_line
from crsbench_simulators.options import LanguageModelOptions

Chat = tuple[Mapping[str, str], ...]  # messages with "role" and "content"
NAME = "crsbench/llm"
PAUSE, LONGEST = 0.5, 30.0  # seconds before the first new try, doubled each time up to the longest
AGAIN = frozenset({408, 409, 425, 429})  # and 500 and above: what may pass
MOST = 2**20  # bytes of an answer that are read


class Speaker(Protocol):
    """A language model: one answer a chat, which depends on that chat alone."""

    def answers(self, chats: Sequence[Chat]) -> list[str]: ...


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key goes to the endpoint that was named, and nowhere else."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


class Endpoint:
    """The key is read from the environment for each run and kept nowhere."""

    def __init__(self, options: LanguageModelOptions) -> None:
        self.options = options
        self.url = options.base_url.rstrip("/") + "/chat/completions"
        self._headers = {"Content-Type": "application/json"}
        if options.key_variable:
            key = os.environ.get(options.key_variable)
            if not key:
                raise UsageError(
                    f"the environment variable {options.key_variable} is not set",
                    "it holds the endpoint's key: simulator.key_variable names it",
                )
            self._headers["Authorization"] = f"Bearer {key}"
        self._opener = urllib.request.build_opener(_NoRedirect)

    def answers(self, chats: Sequence[Chat]) -> list[str]:
        """Raises PluginError in one line where the endpoint refuses, or fails more than `retries` times."""
        with ThreadPoolExecutor(self.options.parallel) as pool:
            return list(pool.map(self._answer, chats))

    def _answer(self, chat: Chat) -> str:
        asked = {
            "model": self.options.model,
            "messages": list(chat),
            "temperature": self.options.temperature,
            "max_tokens": self.options.tokens,
        }
        request = urllib.request.Request(self.url, json.dumps(asked).encode(), self._headers)  # noqa: S310
        failure = ""
        for attempt in range(self.options.retries + 1):
            wait = min(PAUSE * 2**attempt, LONGEST)
            try:
                with self._opener.open(request, timeout=self.options.timeout) as answer:
                    return _content(self.url, answer.read(MOST))
            except urllib.error.HTTPError as error:
                failure = f"{error.code} {error.reason}{_reason(error)}"
                if error.code < 500 and error.code not in AGAIN:
                    raise PluginError(f"{self.url} refuses: {failure}", NAME) from error
                wait = max(wait, _asked_to_wait(error))
            except (OSError, http.client.HTTPException) as error:  # URLError and timeouts are OSErrors
                failure = one_line(error)
            if attempt < self.options.retries:
                time.sleep(wait)
        tries = self.options.retries + 1
        raise PluginError(f"{self.url} failed {tries} times, last with {failure}", NAME, "is it running?")


def _content(url: str, body: bytes) -> str:
    try:
        content = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError) as error:
        raise PluginError(f"{url} answers with what is no chat completion", NAME) from error
    return content if isinstance(content, str) else ""


def _reason(error: urllib.error.HTTPError) -> str:
    """What the endpoint says of its failure, in a few words."""
    try:
        said = json.loads(error.read(MOST))["error"]["message"]
    except (OSError, ValueError, LookupError, TypeError, http.client.HTTPException):
        return ""
    return f": {' '.join(str(said).split())[:200]}"


def _asked_to_wait(error: urllib.error.HTTPError) -> float:
    """Seconds that the endpoint asks for, as far as we wait at all."""
    given = error.headers.get("Retry-After") or ""
    return min(float(given), LONGEST) if given.isdigit() else 0.0
