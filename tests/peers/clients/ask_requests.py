"""Asks with requests: jobs as JSON on stdin, answers as JSON on stdout, all on one session."""

import json
import sys

import requests

answers = []
with requests.Session() as session:
    for job in json.load(sys.stdin):
        body = job["body"].encode() if job["body"] is not None else None
        data = iter([body[:7], body[7:]]) if job["chunked"] else body
        got = session.request(job["method"], job["url"], headers=job["headers"], data=data, timeout=60)
        answers.append({"status": got.status_code, "headers": dict(got.headers), "body": got.content.decode("latin-1")})
json.dump(answers, sys.stdout)
