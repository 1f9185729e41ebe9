// Serves a socket by a module for wasm32-unknown-unknown, and is its client: node echo.mjs ECHO.wasm

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import zlib from "node:zlib";

const path = process.argv[2];
const module = await WebAssembly.compile(await readFile(path));
assert.deepEqual(WebAssembly.Module.imports(module), [], "what the module imports");

/** One instance for each connection. */
function serve(socket) {
  const { exports } = new WebAssembly.Instance(module, {});
  let now = 0;
  const step = (chunk) => {
    const start = exports.room(chunk.length);
    new Uint8Array(exports.memory.buffer, start, chunk.length).set(chunk);
    const hangUp = exports.receive(now);
    const output = new Uint8Array(exports.memory.buffer, exports.output(), exports.output_length()).slice();
    if (output.length > 0) socket.write(output);
    if (hangUp) socket.end();
  };
  socket.on("data", step);
  socket.on("error", () => socket.destroy());
  // The module has no clock: time passes when the test says so.
  socket.on("later", (milliseconds) => {
    now += milliseconds;
    step(Buffer.alloc(0));
  });
  step(Buffer.alloc(0));
}

const sockets = [];
const server = net.createServer((socket) => {
  sockets.push(socket);
  serve(socket);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const timer = setTimeout(() => {
  console.error("it takes too long");
  process.exit(1);
}, 60_000);

async function open() {
  const key = randomBytes(16).toString("base64");
  const request = http.request({
    host: "127.0.0.1",
    port: server.address().port,
    headers: {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Key": key,
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Extensions": "permessage-deflate",
    },
  });
  request.end();
  const [response, socket, head] = await once(request, "upgrade");
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  assert.equal(response.headers["sec-websocket-accept"], accept);
  assert.equal(response.headers["sec-websocket-extensions"], "permessage-deflate");
  let received = head;
  let ended = false;
  socket.on("data", (chunk) => (received = Buffer.concat([received, chunk])));
  socket.on("end", () => (ended = true));
  const more = () => Promise.race([once(socket, "data"), once(socket, "end")]);
  return {
    socket,
    send(first, payload) {
      const mask = randomBytes(4);
      const length = Buffer.from([0xfe, payload.length >> 8, payload.length & 0xff]);
      const start = payload.length < 126 ? Buffer.from([0x80 | payload.length]) : length;
      const masked = payload.map((byte, at) => byte ^ mask[at % 4]);
      socket.write(Buffer.concat([Buffer.from([first]), start, mask, masked]));
    },
    async frame() {
      for (;;) {
        if (received.length >= 2) {
          const isLong = received[1] === 126;
          const start = isLong ? 4 : 2;
          const end = start + (isLong ? received.readUInt16BE(2) : received[1]);
          if (received.length >= end) {
            const frame = { first: received[0], payload: received.subarray(start, end) };
            received = received.subarray(end);
            return frame;
          }
        }
        assert.equal(ended, false, "the stream has ended");
        await more();
      }
    },
    async end() {
      while (!ended) await more();
      assert.equal(received.length, 0);
    },
  };
}

const long = Buffer.from(Array.from({ length: 500 }, (_, at) => `Zoë ${at ** 3} 🦀`).join(" "));
const tail = Buffer.from([0, 0, 0xff, 0xff]);

const client = await open();
client.send(0x81, Buffer.from("hello"));
assert.deepEqual(await client.frame(), { first: 0x81, payload: Buffer.from("hello") });
// RFC 7692 §7.2.1: the four bytes at the end of a flush are not sent. The same text again refers to the first one.
const [deflate, inflate] = [zlib.createDeflateRaw(), zlib.createInflateRaw()];
const sizes = [];
for (let count = 0; count < 2; count += 1) {
  const deflated = [];
  deflate.removeAllListeners("data").on("data", (chunk) => deflated.push(chunk));
  deflate.write(long);
  await new Promise((resolve) => deflate.flush(zlib.constants.Z_SYNC_FLUSH, resolve));
  client.send(0xc1, Buffer.concat(deflated).subarray(0, -4));
  const { first, payload } = await client.frame();
  assert.equal(first, 0xc1);
  sizes.push(payload.length);
  const inflated = [];
  inflate.removeAllListeners("data").on("data", (chunk) => inflated.push(chunk));
  await new Promise((resolve) => inflate.write(Buffer.concat([payload, tail]), resolve));
  assert.ok(Buffer.concat(inflated).equals(long), "the echo of a compressed text");
}
assert.ok(sizes[1] * 4 < sizes[0], `context takeover: ${sizes}`);
client.send(0x81, Buffer.from([0xff]));
const { first, payload } = await client.frame();
assert.deepEqual([first, payload.readUInt16BE(0)], [0x88, 1007]);
await client.end();

// Half a minute without a byte: a Ping, and without an answer to it the end.
const silent = await open();
sockets.at(-1).emit("later", 30_000);
assert.equal((await silent.frame()).first, 0x89);
sockets.at(-1).emit("later", 20_000);
await silent.end();

clearTimeout(timer);
server.close();
const { size } = await stat(path);
const under = `wasm32-unknown-unknown under node ${process.versions.node}`;
console.log(`${under}: echo, compressed text, 1007, a deadline: ok (${size} bytes)`);
