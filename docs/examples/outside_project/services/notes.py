"""Notes over HTTP, kept in memory:  python -m services.notes [PORT]

GET  /notes      all notes
POST /notes      one more: {"text": "…"}, answered with 201 and its Location
GET  /notes/N    one note
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NOTES: list[dict[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open

    def do_GET(self) -> None:
        if self.path == "/notes":
            self.answer(200, NOTES)
            return
        number = self.path.removeprefix("/notes/")
        found = [note for note in NOTES if str(note["number"]) == number]
        self.answer(200, found[0]) if found else self.answer(404, {"error": "no such note"})

    def do_POST(self) -> None:
        note = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not note.get("text"):
            self.answer(400, {"error": "a note has a text"})
            return
        NOTES.append({"number": len(NOTES) + 1, "text": note["text"]})
        self.answer(201, NOTES[-1], Location=f"/notes/{len(NOTES)}")

    def answer(self, status: int, content: object, **headers: str) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[1]) if sys.argv[1:] else 8000), Handler).serve_forever()
