"""The real proxy on loopback, the table it obeys, and the provider it calls."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from router_audit.embedding import load_encoder
from router_audit.types import Ladder, LadderModel
from tests.conftest import ROOT
from tests.proxy.upstream import Upstream
from tests.routed import write_table
from tests.test_policy import LADDER

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk-" + secrets.token_hex(24)
"""The proxy starts with no other guard than a key; this one lives as long as the test run."""
PROXY_PYTHON = "ROUTER_AUDIT_PROXY_PYTHON"
NANO = LadderModel("openai", "gpt-4.1-nano", "economy")
MINI = LadderModel("openai", "gpt-4o-mini", "economy")
SONNET = LadderModel("anthropic", "claude-sonnet-4-6", "standard")
OPUS = LadderModel("anthropic", "claude-opus-4-7", "premium")
MIXED = Ladder("mixed", LADDER.tiers, (NANO, MINI, SONNET, OPUS), assumed=LADDER.assumed, as_of="2026-11-01")


@dataclass
class Answer:
    """One HTTP answer of the proxy."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def call_id(self) -> str:
        return self.headers["x-litellm-call-id"]

    def about(self, name: str) -> str | None:
        return self.headers.get(f"x-router-audit-{name}")


@dataclass
class Proxy:
    """A running proxy."""

    url: str
    folder: Path
    upstream: Upstream
    process: subprocess.Popen[bytes] = field(repr=False)

    def wait(self) -> Proxy:
        """Come back when it answers; fails the test where it does not."""
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(self.url + "/health/liveliness", timeout=5):
                    return self
            except OSError:
                time.sleep(0.5)
        pytest.fail("the proxy did not start:\n" + (self.folder / "proxy.log").read_text("utf-8")[-3000:])

    @property
    def tables(self) -> Path:
        return self.folder / "tables"

    @property
    def log(self) -> Path:
        return self.folder / "log.jsonl"

    def send(self, path: str, body: dict[str, Any], **headers: str) -> Answer:
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"content-type": "application/json", "anthropic-version": "2023-06-01", "authorization": f"Bearer {KEY}", **headers}
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return Answer(
                    answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read().decode()
                )
        except urllib.error.HTTPError as error:
            return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read().decode())

    def lines(self, expected: int = 0, seconds: float = 60.0) -> list[dict[str, Any]]:
        """The log once it holds `expected` lines: the proxy writes it behind its answers."""
        deadline = time.monotonic() + seconds
        while True:
            lines = self.log.read_text("utf-8").splitlines() if self.log.exists() else []
            if len(lines) >= expected or time.monotonic() > deadline:
                return [json.loads(line) for line in lines]
            time.sleep(0.2)


def proxy_python() -> str:
    """The interpreter of the proxy's own environment; skips where there is none."""
    found = os.environ.get(PROXY_PYTHON)
    if not found or not Path(found).exists():
        pytest.skip(
            f"needs the LiteLLM proxy in an environment of its own, named by {PROXY_PYTHON}: make test-proxy"
        )
    return found


@contextmanager
def running(folder: Path, upstream: Upstream, *, obeys: bool = True, **settings: str) -> Iterator[Proxy]:
    """A proxy over `folder/tables`, ready to answer."""
    with starting(folder, upstream, obeys=obeys, **settings) as proxy:
        yield proxy.wait()


@contextmanager
def starting(folder: Path, upstream: Upstream, *, obeys: bool = True, **settings: str) -> Iterator[Proxy]:
    """A proxy on its way up over `folder/tables`, with the one line that makes it obey.

    Where it does not obey, LiteLLM's own complexity router serves the model `complexity`.
    """
    python = proxy_python()
    models = [
        {"model_name": rung.model, "litellm_params": {"model": rung.ref, "api_key": "none", "api_base": upstream.url + ("/v1" if rung.provider == "openai" else "")}}
        for rung in MIXED.models
    ]  # fmt: skip
    tiers = {"SIMPLE": NANO.model, "MEDIUM": SONNET.model, "COMPLEX": OPUS.model, "REASONING": OPUS.model}
    plugged = {
        "classifier_type": "custom",
        "classifier_plugin": "router_audit.integrations.litellm.plugin",
        "classifier_plugin_timeout_ms": 30_000,
        "classifier_fallback": "default_model",
        "tier_labels": {"SIMPLE": "economy", "MEDIUM": "standard", "COMPLEX": "premium"},
    }
    own = {
        "model_name": "auto-by-tier" if obeys else "complexity",
        "litellm_params": {
            "model": "auto_router/complexity_router",
            "complexity_router_default_model": OPUS.model,
            "complexity_router_config": {
                "default_model": OPUS.model,
                "tiers": tiers,
                **(plugged if obeys else {}),
            },
        },
    }
    callbacks = {"callbacks": ["router_audit.integrations.litellm.plugin"]} if obeys else {}
    config = {"model_list": [*models, own], "litellm_settings": {**callbacks, "num_retries": 0}}
    (folder / "config.yaml").write_text(json.dumps(config, indent=1), "utf-8")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ROUTER_AUDIT_")},
        "PYTHONPATH": str(ROOT),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MASTER_KEY": KEY,
        "ROUTER_AUDIT_TABLE": str(folder / "tables"),
        "ROUTER_AUDIT_LOG": str(folder / "log.jsonl"),
        "ROUTER_AUDIT_DEFAULT_MODEL": OPUS.model,
        "ROUTER_AUDIT_TIMEOUT_MS": "30000",
        "ROUTER_AUDIT_SHADOWS": "1000",
        "ROUTER_AUDIT_CANARY_KEY": "key",
        "OPENBLAS_NUM_THREADS": "1",
        **settings,
    }
    with (folder / "proxy.log").open("wb") as output:
        process = subprocess.Popen(
            [python, "-m", "litellm.proxy.proxy_cli", "--config", str(folder / "config.yaml"), "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        proxy = Proxy(f"http://127.0.0.1:{port}", folder, upstream, process)
        try:
            yield proxy
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass
class Proxies:
    """The proxies of all tests. They come up together: importing LiteLLM is most of what one costs."""

    main: Proxy
    """Over a table of four profiles."""
    bare: Proxy
    """Over a folder that holds no table yet."""
    hurried: Proxy
    """Waits for no decision at all."""


@pytest.fixture(scope="session")
def proxies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxies]:
    proxy_python()
    encoder = load_encoder()
    with ExitStack() as stack:

        def one(name: str, *, table: bool = True, **settings: str) -> Proxy:
            folder = tmp_path_factory.mktemp(name)
            if table:
                write_table(folder / "tables", encoder=encoder, ladder=MIXED)
            return stack.enter_context(starting(folder, stack.enter_context(Upstream()), **settings))

        yield Proxies(one("main"), one("bare", table=False), one("hurried", ROUTER_AUDIT_TIMEOUT_MS="0"))


@pytest.fixture(scope="session")
def proxy(proxies: Proxies) -> Proxy:
    """The one that most tests talk to."""
    return proxies.main.wait()
