"""Asks with aiohttp: jobs as JSON on stdin, answers as JSON on stdout, all on one session."""

import asyncio
import json
import sys

import aiohttp


async def pieces(body):
    yield body[:7]
    yield body[7:]


async def main():
    answers = []
    async with aiohttp.ClientSession() as session:
        for job in json.load(sys.stdin):
            body = job["body"].encode() if job["body"] is not None else None
            data = pieces(body) if job["chunked"] else body
            async with session.request(job["method"], job["url"], headers=job["headers"], data=data) as got:
                text = (await got.read()).decode("latin-1")
                answers.append({"status": got.status, "headers": dict(got.headers), "body": text})
    json.dump(answers, sys.stdout)


asyncio.run(main())
