"""The page of a web server that was given no files: who answers, in English and Korean.  Pure."""

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{host}</title>
<style>
body {{ font: 1.1em/1.6 system-ui, sans-serif; max-width: 36em; margin: 12vh auto; padding: 0 1em; }}
h1 {{ font-weight: 600; }}
code {{ background: #8882; padding: 0 .3em; }}
</style>
<h1>It works: this is <code>{host}</code></h1>
<p>You have read this page over a real TCP connection: your machine asked DNS for a name, shook hands
with this web server three times, sent <code>GET / HTTP/1.1</code> and got <code>200 OK</code>.
Look at every packet of it with <code>lan trace</code>.</p>
<p lang="ko">잘 됩니다. 여기는 <code>{host}</code> 웹 서버입니다. 이 페이지는 실제 TCP 연결로 왔습니다:
DNS로 이름을 찾고, 3-way handshake로 연결하고, <code>GET / HTTP/1.1</code>을 보내
<code>200 OK</code>를 받았습니다. <code>lan trace</code>로 모든 패킷을 볼 수 있습니다.</p>
</html>
"""


def build(host: str) -> bytes:
    """The page, about 1 KB of UTF-8, naming this host."""
    safe = host.replace("&", "&amp;").replace("<", "&lt;")
    return _PAGE.format(host=safe).encode()
