"""The page that shows what a folder holds.  Pure.

Names are strangers' text: each is escaped where it is shown, and quoted where it is a link.
"""

from html import escape
from urllib.parse import quote

from lan.services.http.origin.paths import Path
from lan.services.http.origin.resource import Entry, Listing
from lan.services.http.protocol import dates

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{path}</title>
<style>
body {{ font: 1em/1.6 system-ui, sans-serif; max-width: 56em; margin: 4vh auto; padding: 0 1em; }}
table {{ border-spacing: 0 .2em; }} td + td {{ padding-left: 2em; text-align: right; }}
</style>
<h1>{path}</h1>
<table>
{rows}
</table>
{more}</html>
"""


def build(path: Path, listing: Listing) -> bytes:
    """The folder's page, in UTF-8."""
    rows = [] if not path.segments else ['<tr><td><a href="../">../</a><td><td>']
    rows += [_row(entry) for entry in listing.entries]
    more = "" if listing.is_whole else f"<p>Only {len(listing.entries)} of them are shown.</p>\n"
    page = _PAGE.format(path=_shown(path.text), rows="\n".join(rows), more=more)
    return page.encode()


def _row(entry: Entry) -> str:
    slash = "/" if entry.is_folder else ""
    link = "./" + quote(entry.name, safe="", errors="surrogateescape") + slash  # ./ so that no name is a scheme
    size = "" if entry.is_folder else f"{entry.size_bytes:,}"
    return f'<tr><td><a href="{link}">{_shown(entry.name)}{slash}</a><td>{size}<td>{dates.build(entry.modified_s)}'


def _shown(name: str) -> str:
    """A name as text of a page; bytes that are no UTF-8 become the replacement character."""
    return escape(name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
