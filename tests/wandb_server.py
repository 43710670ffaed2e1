"""A small stand-in for W&B's server, on the loopback: what its client says is kept, and can be asked for again.

GraphQL is answered by the name of the operation, not by reading the query; what is not known is an error and is noted
in `unknown`.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ENTITY = "someone"
KEY = "0123456789abcdef0123456789abcdef01234567"

Answer = dict[str, Any]


@dataclass
class Bucket:
    """What a run has told, as W&B calls it."""

    name: str
    project: str
    number: int
    display_name: str = ""
    group: str | None = None
    job_type: str | None = None
    notes: str | None = None
    sweep: str | None = None
    tags: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    state: str = "running"
    starts: int = 1
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, Any]:
        """The configuration as the user gave it."""
        return {key: item["value"] for key, item in self.config.items() if key != "_wandb"}

    def node(self) -> Answer:
        """As the API tells of it."""
        return {
            "id": f"bucket{self.number}",
            "projectId": "1",
            "name": self.name,
            "displayName": self.display_name,
            "description": None,
            "notes": self.notes,
            "sweepName": self.sweep,
            "tags": self.tags,
            "group": self.group,
            "jobType": self.job_type,
            "state": self.state,
            "commit": None,
            "readOnly": False,
            "createdAt": "2024-01-01T00:00:00",
            "heartbeatAt": "2024-01-01T00:00:00",
            "config": json.dumps(self.config),
            "systemMetrics": "{}",
            "summaryMetrics": json.dumps(self.summary),
            "historyLineCount": len(self.history),
            "historyKeys": {
                "lastStep": max((row["_step"] for row in self.history), default=-1),
                "keys": {},
                "sets": [],
            },
            "user": {"name": ENTITY, "username": ENTITY},
        }


class WandbServer:
    """The server and what it was told.

    Attributes:
        runs: by name.
        artifacts: what was asked to be made.
        uploads: content by path.
        reports: what `upsertView` was given.
        sweeps: by name: what was asked for.
        operations: names of operations, in order.
        unknown: those that have no answer here.
        refused: operations that are answered with an error of the server's.
        garbled: operations that are answered with something else.
        commands: what the agent of a sweep is to do, in order.
    """

    def __init__(self) -> None:
        self.runs: dict[str, Bucket] = {}
        self.artifacts: list[Answer] = []
        self.uploads: dict[str, bytes] = {}
        self.reports: list[Answer] = []
        self.sweeps: dict[str, Answer] = {}
        self.operations: list[str] = []
        self.unknown: list[str] = []
        self.refused: set[str] = set()
        self.garbled: set[str] = set()
        self.commands: list[Answer] = []
        self.url = ""
        self._lock = threading.RLock()

    def environment(self, home: str) -> dict[str, str]:
        """Variables of a process that shall know this server alone."""
        return {"WANDB_BASE_URL": self.url, "WANDB_API_KEY": KEY, "WANDB_MODE": "online", "HOME": home}

    @contextmanager
    def running(self) -> Iterator[WandbServer]:
        """Listen on a free port until the block ends."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()

    def graphql(self, query: str, variables: Answer) -> Answer:
        """The answer to a request."""
        found = re.search(r"(?:query|mutation)\s+(\w+)", query)
        name = found[1] if found else query[:200]
        with self._lock:
            self.operations.append(name)
            answer: Callable[[Answer], Answer] | None = getattr(self, f"_{name}", None)
            if name in self.refused:
                return {"errors": [{"message": f"{name} is refused today"}]}
            if name in self.garbled:
                return {"data": {"project": {}}}
            if answer is None:
                self.unknown.append(f"{name} {json.dumps(variables)[:300]} {query}")
                return {"errors": [{"message": f"unknown operation {name}"}]}
            return {"data": answer(variables)}

    def stream(self, name: str, body: Answer) -> Answer:
        """Lines of the files of a run, and its end."""
        with self._lock:
            run = self.runs[name]
            for file, part in (body.get("files") or {}).items():
                lines = part["content"]
                if file == "wandb-history.jsonl":
                    del run.history[part["offset"] :]
                    run.history += [json.loads(line) for line in lines]
                elif file == "wandb-summary.json" and lines:
                    run.summary = json.loads(lines[-1])
                elif file == "output.log":
                    run.console += lines
            if body.get("complete"):
                run.state = "finished" if body.get("exitcode") == 0 else "failed"
            return {"exitcode": None, "limits": {}}

    # Who asks, and what the server can do.

    def _Viewer(self, _: Answer) -> Answer:
        viewer = {"id": "u1", "entity": ENTITY, "username": ENTITY, "email": "", "admin": False, "flags": "{}"}
        return {
            "viewer": viewer | {"name": ENTITY, "deletedAt": None, "teams": {"edges": []}, "apiKeys": {"edges": []}}
        }

    _GetViewer = _GetDefaultEntity = _Viewer

    def _ServerFeaturesQuery(self, _: Answer) -> Answer:
        return {"serverInfo": {"features": []}}

    def _XXHashDigestsEnabled(self, _: Answer) -> Answer:
        return {"entity": {"xxhashDigestsEnabled": False}}

    def _OrgFeatureFlags(self, _: Answer) -> Answer:
        return {"organization": {"featureFlags": []}}

    def _OrganizationCoreWeaveOrganizationID(self, _: Answer) -> Answer:
        return {"entity": {"organization": None}}

    def _FetchOrgEntityFromEntity(self, _: Answer) -> Answer:
        return {"entity": {"organization": None}}

    # Runs that are written.

    def _UpsertBucket(self, asked: Answer) -> Answer:
        name = asked.get("name") or next(run.name for run in self.runs.values() if run.node()["id"] == asked["id"])
        inserted = name not in self.runs
        run = self.runs.setdefault(name, Bucket(name, asked.get("project") or "", len(self.runs)))
        run.starts += not inserted and run.state != "running"
        for key, value in (
            *(
                ("display_name", asked.get("displayName")),
                ("group", asked.get("groupName")),
                ("tags", asked.get("tags")),
            ),
            *(("job_type", asked.get("jobType")), ("notes", asked.get("notes")), ("sweep", asked.get("sweep"))),
        ):
            if value is not None:
                setattr(run, key, value)
        run.config |= json.loads(asked.get("config") or "{}")
        if not inserted:
            run.state = "running"
        project = {"id": "p1", "name": run.project, "entity": {"id": "e1", "name": ENTITY}}
        return {"upsertBucket": {"bucket": {**run.node(), "project": project}, "inserted": inserted}}

    def _RunResumeStatus(self, asked: Answer) -> Answer:
        run = self.runs.get(asked["name"])
        if run is None:
            return {
                "model": {"id": "p1", "name": asked["project"], "entity": {"id": "e1", "name": ENTITY}, "bucket": None}
            }
        tails = {
            "historyTail": json.dumps([json.dumps(row) for row in run.history[-1:]]),
            "eventsTail": "[]",
            "logLineCount": len(run.console),
            "eventsLineCount": 0,
            "wandbConfig": json.dumps({"t": 1}),
        }
        bucket = {**run.node(), **tails}
        return {"model": {"id": "p1", "name": run.project, "entity": {"id": "e1", "name": ENTITY}, "bucket": bucket}}

    def _CreateRunFiles(self, asked: Answer) -> Answer:
        files = [{"name": file, "uploadUrl": f"{self.url}/upload/{asked['run']}/{file}"} for file in asked["files"]]
        return {"createRunFiles": {"runID": asked["run"], "uploadHeaders": [], "files": files}}

    def _MarkRunFilesUploaded(self, _: Answer) -> Answer:
        return {"markRunFilesUploaded": {"success": True}}

    def _RunStoppedStatus(self, _: Answer) -> Answer:
        return {"project": {"run": {"stopped": False}}}

    # Artifacts.

    def _CreateArtifact(self, asked: Answer) -> Answer:
        self.artifacts.append(asked["input"])
        artifact = {
            "id": f"a{len(self.artifacts)}",
            "state": "PENDING",
            "artifactSequence": {"id": "s1", "latestArtifact": None},
        }
        return {"createArtifact": {"artifact": artifact}}

    def _CreateArtifactManifest(self, asked: Answer) -> Answer:
        return {"createArtifactManifest": {"artifactManifest": self._manifest(asked["name"])}}

    def _UpdateArtifactManifest(self, asked: Answer) -> Answer:
        return {"updateArtifactManifest": {"artifactManifest": self._manifest(asked["artifactManifestID"])}}

    def _manifest(self, name: str) -> Answer:
        return {
            "id": name,
            "file": {"id": "f1", "uploadUrl": f"{self.url}/upload/manifest/{name}", "uploadHeaders": []},
        }

    def _CreateArtifactFiles(self, asked: Answer) -> Answer:
        nodes = [
            {
                "storagePath": f"stored/{part['name']}",
                "uploadUrl": f"{self.url}/upload/artifact/{part['name']}",
                "uploadHeaders": [],
                "uploadMultipartUrls": None,
                "artifact": {"id": part["artifactID"]},
                "name": part["name"],
                "displayName": part["name"],
            }
            for part in asked["input"]["artifactFiles"]
        ]
        return {"createArtifactFiles": {"files": {"edges": [{"node": node} for node in nodes]}}}

    def _CommitArtifact(self, asked: Answer) -> Answer:
        return {"commitArtifact": {"artifact": {"id": asked["artifactID"], "digest": "d"}}}

    def _ArtifactType(self, _: Answer) -> Answer:
        return {"project": {"artifact": None}}

    def _UseArtifact(self, _: Answer) -> Answer:
        return {"useArtifact": {"artifact": {"id": "a1"}}}

    # Runs that are read.

    def _Runs(self, asked: Answer) -> Answer:
        filters = json.loads(asked.get("filters") or "{}")
        known = {"group": "group", "jobType": "job_type", "state": "state", "sweep": "sweep"}
        found = [run for run in self.runs.values() if run.project == asked["project"]]
        found = [run for run in found if all(getattr(run, known[key]) == value for key, value in filters.items())]
        first = int(asked.get("cursor") or 0)
        page = found[first : first + asked.get("perPage", 50)]
        edges = [{"node": run.node(), "cursor": str(first + place + 1)} for place, run in enumerate(page)]
        info = {"endCursor": str(first + len(page)), "hasNextPage": first + len(page) < len(found)}
        runs = {"edges": edges, "pageInfo": info}
        if asked["project"] not in {run.project for run in self.runs.values()}:
            return {"project": None}
        return {"project": {"internalId": "1", "runCount": len(found), "readOnly": False, "runs": runs}}

    def _Run(self, asked: Answer) -> Answer:
        run = self.runs.get(asked["name"])
        return {"project": {"run": None if run is None else run.node()}}

    _RunHistoryKeys = _RunState = _Run

    def _RunParquetHistory(self, asked: Answer) -> Answer:
        return {
            "project": {"run": {"parquetHistory": {"parquetUrls": [], "liveData": self.runs[asked["runName"]].history}}}
        }

    def _HistoryPage(self, asked: Answer) -> Answer:
        rows = [row for row in self.runs[asked["run"]].history if asked["minStep"] <= row["_step"] < asked["maxStep"]]
        return {"project": {"run": {"history": [json.dumps(row) for row in rows]}}}

    # Reports.

    def _ProjectInternalId(self, _: Answer) -> Answer:
        return {"project": {"internalId": "UHJvamVjdEludGVybmFsSWQ6MQ=="}}

    def _GetProjects(self, _: Answer) -> Answer:
        names = sorted({run.project for run in self.runs.values()})
        edges = [{"cursor": name, "node": self._GetProject({"name": name})["project"]} for name in names]
        return {"models": {"edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}}

    def _GetProject(self, asked: Answer) -> Answer:
        node = {"id": "p1", "name": asked["name"], "entityName": ENTITY, "createdAt": "2024-01-01T00:00:00"}
        return {"project": node | {"isBenchmark": False, "user": None, "internalId": "1"}}

    def _upsertView(self, asked: Answer) -> Answer:
        self.reports.append(asked)
        view = {"id": "v1", "type": "runs", "name": asked.get("name"), "displayName": asked.get("displayName")}
        view |= {"description": asked.get("description"), "spec": asked.get("spec"), "updatedAt": "2024-01-01T00:00:00"}
        view |= {"project": {"id": "p1", "name": asked.get("projectName"), "entityName": ENTITY}}
        return {"upsertView": {"view": view, "inserted": True}}

    # Sweeps of W&B's own.

    def _UpsertSweep(self, asked: Answer) -> Answer:
        name = asked.get("id") or f"sweep{len(self.sweeps)}"
        self.sweeps[name] = asked
        project = {"id": "p1", "name": asked["projectName"], "entity": {"id": "e1", "name": ENTITY}}
        return {"upsertSweep": {"sweep": {"name": name, "project": project}, "configValidationWarnings": []}}

    def _SweepWithRuns(self, asked: Answer) -> Answer:
        known = self.sweeps.get(asked["sweep"])
        if known is None:
            return {"project": {"sweep": None}}
        sweep = {"id": "s1", "name": asked["sweep"], "method": "random", "state": "RUNNING", "config": known["config"]}
        return {
            "project": {
                "sweep": {**sweep, "description": None, "controller": None, "scheduler": None, "runs": {"edges": []}}
            }
        }

    _Sweep = _SweepWithRuns

    def _GetSweepState(self, _: Answer) -> Answer:
        return {"project": {"sweep": {"state": "RUNNING"}}}

    def _CreateAgent(self, _: Answer) -> Answer:
        return {"createAgent": {"agent": {"id": "agent1"}}}

    def _Heartbeat(self, _: Answer) -> Answer:
        commands = [self.commands.pop(0)] if self.commands else []
        return {"agentHeartbeat": {"agent": {"id": "agent1"}, "commands": json.dumps(commands)}}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self._body() or b"{}")
                if self.path.endswith("/graphql"):
                    self._send(server.graphql(body.get("query", ""), body.get("variables") or {}))
                elif found := re.search(r"/files/[^/]+/[^/]+/([^/]+)/file_stream", self.path):
                    self._send(server.stream(found[1], body))
                else:
                    self._send({"error": f"nothing at {self.path}"}, 404)

            def do_PUT(self) -> None:
                server.uploads[self.path.removeprefix("/upload/")] = self._body()
                self._send({})

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # the client is gone
                    super().handle()

            def do_GET(self) -> None:
                content = server.uploads.get(self.path.removeprefix("/upload/"))
                self._send({"error": "not found"} if content is None else {}, 404 if content is None else 200)

            def log_message(self, *_: Any) -> None:
                pass

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") == "chunked":
                    parts = []
                    while size := int(self.rfile.readline().strip(), 16):
                        parts.append(self.rfile.read(size))
                        self.rfile.readline()
                    self.rfile.readline()
                    body = b"".join(parts)
                else:
                    body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

            def _send(self, answer: Answer, status: int = 200) -> None:
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        return Handler
