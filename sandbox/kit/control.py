"""A simulator's own paths under `/_sandbox` that each of them has: the log, reset, switches, faults, acts.

For tests and demonstrations; no vendor has them. Owns the paths and their refusals; what a reset, a
switch or an act does is the simulator's.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.kit.faults import Faults
from sandbox.kit.log import RequestLog
from sandbox.kit.wire import Reply, Request, Unusable, json_reply

Handler = Callable[[Request], Reply]


def problem(status: int, message: str) -> Reply:
    return json_reply(status, {"error": message})


def json_lines(lines: Iterable[bytes]) -> Reply:
    body = b"".join(line + b"\n" for line in lines)
    return Reply(200, body, (("content-type", "application/jsonl"),))


class Control(ABC):
    """Answers the control paths of one site. `more` are those that only this simulator has."""

    def __init__(
        self, log: RequestLog, faults: Faults, more: Mapping[str, Mapping[str, Handler]]
    ) -> None:
        self._log = log
        self.faults = faults
        self._paths: dict[str, Mapping[str, Handler]] = {
            "requests": {"GET": self._requests},
            "reset": {"POST": self._reset},
            "settings": {"GET": self._settings, "PUT": self._change_settings},
            "faults": {
                "GET": self._faults,
                "POST": self._add_faults,
                "DELETE": self._clear_faults,
            },
            "act": {"POST": self.act},
            **more,
        }

    def answer(self, request: Request) -> Reply:
        name = request.path.removeprefix("/_sandbox").strip("/")
        methods = self._paths.get(name)
        if methods is None:
            return problem(404, f"there is no {name}; there are: {', '.join(self._paths)}")
        handler = methods.get(request.method)
        if handler is None:
            return problem(405, f"{name} answers {', '.join(methods)}")
        try:
            return handler(request)
        except ValueError as error:
            return problem(400, str(error))

    # What each simulator does in its own way --------------------------------------------------

    @abstractmethod
    def reset(self, told: Any) -> None:
        """Begin anew. `told` is the body of the request."""

    @abstractmethod
    def switches(self) -> Mapping[str, Any]:
        """The switches as they stand."""

    @abstractmethod
    def change(self, switches: dict[str, Any]) -> None:
        """Set these. Raises ValueError where one cannot be."""

    @abstractmethod
    def act(self, request: Request) -> Reply:
        """A person does something in the vendor's product."""

    # What is the same in all -------------------------------------------------------------------

    @staticmethod
    def body(request: Request) -> Any:
        try:
            return json.loads(request.body) if request.body else {}
        except ValueError:
            raise Unusable("the body is not valid JSON") from None

    def _requests(self, request: Request) -> Reply:
        after = int(request.parameters.get("after", 0))
        return json_lines(entry.line() for entry in self._log.after(after))

    def _reset(self, request: Request) -> Reply:
        self.reset(self.body(request))
        return json_reply(200, {"reset": True})

    def _settings(self, _: Request) -> Reply:
        return json_reply(200, self.switches())

    def _change_settings(self, request: Request) -> Reply:
        body = self.body(request)
        if not isinstance(body, dict):
            raise Unusable("settings are one JSON object")
        self.change(body)
        return self._settings(request)

    def _faults(self, _: Request) -> Reply:
        return json_reply(200, self.faults.left())

    def _add_faults(self, request: Request) -> Reply:
        self.faults.add(self.body(request))
        return self._faults(request)

    def _clear_faults(self, request: Request) -> Reply:
        self.faults.clear()
        return self._faults(request)
