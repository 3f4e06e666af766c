"""Exported configurations through their targets' own loaders, in the environment of the proxy."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from router_audit.exporters.litellm import LITELLM
from router_audit.exporters.openrouter import OPENROUTER
from router_audit.exporters.vllm_semantic_router import VLLM_SEMANTIC_ROUTER
from tests.proxy.conftest import proxy_python
from tests.test_exporters import TABLE

LOAD_LITELLM = """
import asyncio, os, sys, json
os.environ.update(ANTHROPIC_API_KEY="none", GEMINI_API_KEY="none", LITELLM_LOCAL_MODEL_COST_MAP="True")
from litellm.proxy.proxy_server import ProxyConfig
config = ProxyConfig()
loaded = asyncio.run(config.get_config(config_file_path=sys.argv[1]))
from litellm import Router
router = Router(model_list=loaded["model_list"], **loaded["router_settings"])
print(json.dumps({"models": router.get_model_names(), "fallbacks": router.fallbacks}))
"""
LOAD_OPENROUTER = """
import json, sys
from openrouter.components import ChatRequest
for preset in json.load(open(sys.argv[1]))["presets"].values():
    asked = ChatRequest.model_validate({**preset, "messages": [{"role": "user", "content": "hi"}]})
    assert asked.models == preset["models"] and asked.provider.allow_fallbacks is True, asked
print("fine")
"""


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    return done.stdout


def test_litellm_loads_its_config(tmp_path: Path) -> None:
    python = proxy_python()
    path = tmp_path / "config.yaml"
    path.write_text(LITELLM.export(TABLE), "utf-8")
    loaded = json.loads(run(python, "-c", LOAD_LITELLM, str(path)).splitlines()[-1])

    assert {"anthropic/claude-haiku-4-5", "profile-extraction"} <= set(loaded["models"])
    assert {"anthropic/claude-haiku-4-5": ["anthropic/claude-sonnet-4-6"]} in loaded["fallbacks"]


def test_vllm_semantic_router_validates_its_config(tmp_path: Path) -> None:
    python = proxy_python()
    path = tmp_path / "config.yaml"
    path.write_text(VLLM_SEMANTIC_ROUTER.export(TABLE), "utf-8")

    assert "valid" in run(str(Path(python).with_name("vllm-sr")), "config", "validate", "--config", str(path))


def test_openrouter_s_sdk_takes_its_presets(tmp_path: Path) -> None:
    python = proxy_python()
    path = tmp_path / "openrouter.json"
    path.write_text(OPENROUTER.export(TABLE), "utf-8")

    assert json.loads(path.read_text("utf-8"))["unlisted"] == []
    assert "fine" in run(python, "-c", LOAD_OPENROUTER, str(path))
