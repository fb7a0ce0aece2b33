// Asks with Node's fetch, which is undici: jobs as JSON on stdin, answers as JSON on stdout.
import { readFileSync } from "node:fs"

const pieces = body => new ReadableStream({
    start(controller) {
        for (const piece of [body.subarray(0, 7), body.subarray(7)]) controller.enqueue(piece)
        controller.close()
    },
})
const answers = []
for (const { method, url, headers, body, chunked } of JSON.parse(readFileSync(0, "utf8"))) {
    const options = { method, headers }
    if (body !== null) options.body = chunked ? pieces(Buffer.from(body)) : body
    if (chunked) options.duplex = "half"
    const got = await fetch(url, options)
    const text = Buffer.from(await got.arrayBuffer()).toString("latin1")
    await new Promise(setImmediate) // undici frees a connection only after it has given us the last byte
    answers.push({ status: got.status, headers: Object.fromEntries(got.headers), body: text })
}
process.stdout.write(JSON.stringify(answers))
