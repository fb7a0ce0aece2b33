"""The service runs on `web` while tests do."""

import sys

import pytest

PORT = 8000


@pytest.fixture(scope="module")
def notes(web):
    """Its address, as the client takes it."""
    with web.serving(PORT, sys.executable, "-m", "services.notes", str(PORT)):
        yield f"notes.test:{PORT}"


@pytest.fixture
def take(pc1, notes):
    """Run the client on pc1."""
    return lambda *texts: pc1.run(sys.executable, "-m", "services.notes_client", notes, *texts)
