"""The LiteLLM proxy obeys the table: `callbacks: router_audit.integrations.litellm.plugin` in its config.yaml.

Requests to the model `auto` are decided before the call; weak answers go one rung up, once; the canary is
served by the premium tier and shadowed by the routed model; every call is logged for `router-audit ingest`.
Requests that name another model are not touched. No fault of ours fails a request.
"""

from __future__ import annotations

import asyncio
import uuid
from functools import cache
from typing import TYPE_CHECKING, Any

from litellm.integrations.custom_logger import CustomLogger

from router_audit.answers import read_answer
from router_audit.integrations.gateway import Gateway, Routed, Settings, log
from router_audit.integrations.litellm_shapes import (
    is_anthropic,
    log_line,
    name_in,
    plain,
    says_something,
    session_of,
)
from router_audit.types import AnswerSignal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from router_audit.types import Decision, Escalation

DECIDED = frozenset(
    {
        "completion",
        "acompletion",
        "anthropic_messages",
        "responses",
        "aresponses",
        "text_completion",
        "atext_completion",
    }
)
"""Call types whose model the table may choose."""


class RouterAudit(CustomLogger):  # type: ignore[misc]  # LiteLLM is not typed for us
    """The plug-in. LiteLLM calls its hooks; see the module's first lines."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__()
        self.gateway = gateway
        self._names: dict[str, str | None] = {}
        self._shadows: set[asyncio.Task[None]] = set()

    def __deepcopy__(self, memo: object) -> RouterAudit:
        """LiteLLM copies the settings a plug-in stands in; there is one plug-in a process."""
        return self

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> dict[str, Any] | None:
        """Choose the model of a request to `auto`."""
        if call_type not in DECIDED or data.get("model") != self.gateway.settings.auto:
            return None
        call_id = str(data.setdefault("litellm_call_id", str(uuid.uuid4())))
        routed = await self.gateway.decide(
            {**data, "model": None, "request_id": call_id, **session_of(data)}, call_id
        )
        decision = routed.decision
        wanted = self._known_as(decision.served_by) if decision else None
        if decision is not None and wanted is None:
            routed.note["trouble"] = f"the gateway has no model {decision.served_by}"
            log.warning(
                "the gateway has no model for %s; the request goes to the default", decision.served_by
            )
        routed.served_by = wanted or self._default()
        data["model"] = routed.served_by
        spare = self._spares(decision, routed.served_by) if decision is not None and wanted else []
        if spare and not data.get("fallbacks"):
            data["fallbacks"] = spare
        if decision is not None and decision.effort and not decision.canary:
            data.setdefault("reasoning_effort", decision.effort)
        if (
            decision is not None
            and decision.threshold > 0
            and "messages" in data
            and call_type in {"completion", "acompletion"}
        ):
            data.setdefault("logprobs", True)
        return data

    async def async_post_call_success_hook(
        self, data: dict[str, Any], user_api_key_dict: Any, response: Any
    ) -> Any:
        """Escalate a weak answer, once; start the shadow of a canary."""
        routed = self.gateway.found(data.get("litellm_call_id"))
        if routed is None or routed.decision is None:
            return None
        decision = routed.decision
        self._note_rescue(routed, data)
        if decision.canary:
            self._shadow(routed, data)
            return None
        answer = plain(response)
        if answer is None or routed.escalation is not None:
            return None
        step = self._weak(routed, read_answer(data, answer))
        return None if step is None else await self._second_answer(routed, step, data)

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: dict[str, Any]
    ) -> AsyncIterator[Any]:
        """Hold a stream back until it says something (or all of it, where so set); escalate it while nothing was sent."""
        routed = self.gateway.found(request_data.get("litellm_call_id"))
        decision = routed.decision if routed else None
        if routed is None or decision is None:
            async for chunk in response:
                yield chunk
            return
        if decision.canary:
            self._shadow(routed, request_data)
        held: list[Any] = []
        sent = decision.canary or decision.escalate_to is None
        async for chunk in response:
            if sent:
                yield chunk
                continue
            held.append(chunk)
            if not self.gateway.settings.hold_streams and says_something(chunk):
                sent = True
                for kept in held:
                    yield kept
                held = []
        if sent:
            return
        again = await self._streamed_again(routed, request_data, held)
        if again is None:
            for kept in held:
                yield kept
            return
        async for chunk in again:
            yield chunk

    async def async_post_call_response_headers_hook(
        self, data: dict[str, Any], user_api_key_dict: Any, response: Any, request_headers: Any = None
    ) -> dict[str, str] | None:
        """Say what was decided. A stream's headers leave before its answer is known."""
        routed = self.gateway.found((data or {}).get("litellm_call_id"))
        return None if routed is None else routed.headers()

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Log one call that was answered."""
        self._log(kwargs)

    async def async_log_failure_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Log one call that failed."""
        self._log(kwargs)

    async def classify(self, context: Any) -> str | None:
        """LiteLLM's own plug point, `classifier_type: custom`: the tier of a request.

        Serves routers that LiteLLM runs itself; it is told neither the tools nor the answer, so escalation and
        canary stay with the hooks. None leaves the choice to LiteLLM's `classifier_fallback`.
        """
        routed = await self.gateway.decide(
            {"messages": [dict(message) for message in context.structured_messages or context.raw_messages]},
            str(uuid.uuid4()),
        )
        return routed.decision.tier if routed.decision else None

    def _default(self) -> str:
        names = [entry["model_name"] for entry in _proxy_router().model_list]
        told = self.gateway.settings.default_model
        return told or next(
            (name for name in names if name != self.gateway.settings.auto), self.gateway.settings.auto
        )

    def _known_as(self, ref: str | None) -> str | None:
        """The gateway's name of a `provider/model`; None where it serves none such."""
        if ref is None:
            return None
        if ref not in self._names:
            self._names[ref] = name_in(_proxy_router().model_list, ref)
        return self._names[ref]

    def _spares(self, decision: Decision, asked: str | None) -> list[str]:
        """Where LiteLLM goes when the provider fails: the same tier, else one rung up; a canary to its routed model."""
        refs = (decision.model,) if decision.canary else decision.sideways or (decision.escalate_to,)
        names = [self._known_as(ref) for ref in refs]
        return [name for name in names if name is not None and name != asked]

    def _note_rescue(self, routed: Routed, data: Mapping[str, Any]) -> None:
        """Whether LiteLLM's own fallback has answered: a rung up that was taken is not taken again."""
        deployment, decision = data.get("deployment"), routed.decision
        name = (
            deployment.get("model_name")
            if isinstance(deployment, dict)
            else getattr(deployment, "model_name", None)
        )
        if decision is None or name in {None, routed.served_by}:
            return
        reached = (*decision.sideways, decision.escalate_to, decision.model)
        routed.note["rescued_by"] = next(
            (ref for ref in reached if ref and self._known_as(ref) == name), name
        )
        if name == self._known_as(decision.escalate_to):
            routed.escalation = self.gateway.escalate(decision, AnswerSignal(provider_error="unavailable"))

    def _weak(self, routed: Routed, signal: AnswerSignal) -> Escalation | None:
        decision = routed.decision
        return None if decision is None else self.gateway.escalate(decision, signal)

    async def _second_answer(self, routed: Routed, step: Escalation, data: Mapping[str, Any]) -> Any:
        """The next rung's answer; None, and so the first answer, where there is none to be had."""
        routed.escalation = step
        try:
            return await asyncio.wait_for(
                self._ask(routed, step.model, data, role="escalation"),
                self.gateway.settings.escalation_timeout_s,
            )
        except Exception as error:  # noqa: BLE001  the first answer stands
            routed.escalation_failed = f"{type(error).__name__}: {error}"[:300]
            log.warning("the second answer failed, the first is returned: %s", routed.escalation_failed)
            return None

    async def _streamed_again(self, routed: Routed, data: Mapping[str, Any], held: list[Any]) -> Any:
        """A second stream where the first, still held back, is weak."""
        import litellm

        if routed.escalation is not None or not held or not hasattr(held[0], "choices"):
            return None
        whole = litellm.stream_chunk_builder(held, messages=data.get("messages"))
        step = self._weak(routed, read_answer(data, plain(whole) or {}))
        return None if step is None else await self._second_answer(routed, step, data)

    def _shadow(self, routed: Routed, data: Mapping[str, Any]) -> None:
        """Ask the routed model too, off the request's path."""
        if len(self._shadows) >= self.gateway.settings.shadows:
            log.warning("too many shadows under way: canary %s has no pair", routed.request_id)
            return
        task = asyncio.create_task(self._shadow_answer(routed, dict(data)))
        self._shadows.add(task)
        task.add_done_callback(self._shadows.discard)

    async def _shadow_answer(self, routed: Routed, data: Mapping[str, Any]) -> None:
        model = routed.decision.model if routed.decision else None
        try:
            await self._ask(routed, model, {**data, "stream": False}, role="shadow")
        except Exception as error:  # noqa: BLE001  nobody waits for it
            log.warning("the shadow of canary %s failed: %s", routed.request_id, error)

    async def _ask(self, routed: Routed, ref: str | None, data: Mapping[str, Any], *, role: str) -> Any:
        """One further call through the proxy's own router, logged under the first request's id."""
        name = self._known_as(ref)
        if name is None:
            raise LookupError(f"the gateway has no model {ref}")
        call_id = str(uuid.uuid4())
        self.gateway.remember(
            call_id,
            Routed(
                routed.request_id, routed.decision, escalation=routed.escalation, role=role, served_by=name
            ),
        )
        body = dict((data.get("proxy_server_request") or {}).get("body") or {})
        body.pop("fallbacks", None)  # of the first call: a second answer comes from the rung it was asked of
        if not is_anthropic(data):
            body.pop("metadata", None)  # LiteLLM's own there; Anthropic's names the user
        params = {**body, "model": name, "stream": bool(data.get("stream")), "litellm_call_id": call_id}
        if session_of(data):
            params["litellm_session_id"] = session_of(data)["session_id"]
        router = _proxy_router()
        if "messages" not in data:
            return await router.aresponses(**params)
        if is_anthropic(data):
            return await router.aanthropic_messages(**params)
        return await router.acompletion(**params)

    def _log(self, kwargs: Mapping[str, Any]) -> None:
        payload = kwargs.get("standard_logging_object")
        if not isinstance(payload, dict):
            return
        routed = self.gateway.found(kwargs.get("litellm_call_id"))
        told = None if routed is None else self._told(routed, payload.get("model_group"))
        self.gateway.write(log_line(payload, told))

    def _told(self, routed: Routed, answered_by: Any) -> dict[str, Any]:
        """What the log says of a call; LiteLLM's own fallback shows as another model than the one asked."""
        told = routed.routing()
        if routed.decision is None or answered_by in {None, routed.served_by}:
            return told
        told["rescued_by"] = answered_by
        step = self.gateway.escalate(routed.decision, AnswerSignal(provider_error="unavailable"))
        if step is not None and answered_by == self._known_as(step.model):
            told |= {"role": "escalation", "escalated": True, "escalated_from": step.escalated_from}
            told["escalation_signal"] = step.signal
        return told


def _proxy_router() -> Any:
    from litellm.proxy import proxy_server

    return proxy_server.llm_router


@cache
def _plugin() -> RouterAudit:
    gateway = Gateway(Settings.from_environment())
    gateway.load()
    return RouterAudit(gateway)


def __getattr__(name: str) -> Any:
    """`plugin`, built when LiteLLM asks for it: importing this module loads no table."""
    if name == "plugin":
        return _plugin()
    raise AttributeError(name)
