"""Asks with httpx: jobs as JSON on stdin, answers as JSON on stdout, all on one client."""

import json
import sys

import httpx

answers = []
with httpx.Client(timeout=60) as client:
    for job in json.load(sys.stdin):
        body = job["body"].encode() if job["body"] is not None else None
        content = iter([body[:7], body[7:]]) if job["chunked"] else body
        got = client.request(job["method"], job["url"], headers=job["headers"], content=content)
        answers.append({"status": got.status_code, "headers": dict(got.headers), "body": got.content.decode("latin-1")})
json.dump(answers, sys.stdout)
