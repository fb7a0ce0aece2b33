"""Takes notes to the server and lists them:  python -m services.notes_client HOST:PORT [TEXT…]

One connection serves all requests.  Exit code 1 where the server can't be reached or does not answer in time.
"""

import http.client
import json
import sys
from typing import Any

TIMEOUT_S = 20


class Client:
    def __init__(self, server: str) -> None:
        self.connection = http.client.HTTPConnection(server, timeout=TIMEOUT_S)

    def add(self, text: str) -> str:
        """The new note's location."""
        self.connection.request("POST", "/notes", json.dumps({"text": text}), {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        response.read()
        if response.status != 201:
            raise ValueError(f"not taken: {response.status}")
        return response.headers["Location"]

    def notes(self) -> list[dict[str, Any]]:
        self.connection.request("GET", "/notes")
        return json.load(self.connection.getresponse())

    def close(self) -> None:
        self.connection.close()


def main(server: str, *texts: str) -> int:
    client = Client(server)
    try:
        for text in texts:
            client.add(text)
        for note in client.notes():
            print(f"{note['number']}. {note['text']}")
    except (OSError, http.client.HTTPException, ValueError) as fault:
        print(f"notes: {server}: {fault}", file=sys.stderr)
        return 1
    finally:
        client.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
