// Sends messages on a WebSocket that is opening and checks what comes back: in a page, and in Node with a socket of ws.
async function checkEchoes(socket) {
  const next = (type) => new Promise((resolve, reject) => {
    socket.addEventListener(type, resolve, { once: true });
    if (type === "close") return;
    const unasked = (event) => reject(new Error(`closed with ${event.code} where "${type}" was due`));
    socket.addEventListener("close", unasked, { once: true });
  });
  const same = (got, sent) => typeof sent === "string" ? got === sent :
    got.byteLength === sent.length && new Uint8Array(got).every((byte, i) => byte === sent[i]);

  socket.binaryType = "arraybuffer";
  await next("open");
  if (!socket.extensions.startsWith("permessage-deflate")) throw new Error(`agreed on "${socket.extensions}"`);

  const text = "🦀, 👩‍👩‍👧‍👦 and 日本語. ".repeat(8);
  const row = (_, id) => ({ id, name: `Zoë ${id * 7919 % 100}`, tags: ["ä", "b"], even: id % 2 === 0 });
  const rows = Array.from({ length: 2000 }, row);
  const longText = JSON.stringify(rows).slice(0, 100 << 10);
  // Noise first, which compression cannot shorten, and then a pattern.
  let state = 1;
  const binary = Uint8Array.from({ length: 1 << 20 }, (_, i) => {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    return i < 1 << 19 ? state >>> 24 : i >>> 8;
  });
  // The same text again is short on the wire if the window of the first is kept.
  for (const message of ["", "🦀", text, text, longText, binary]) {
    const echo = next("message");
    socket.send(message);
    const { data } = await echo;
    if (!same(data, message)) throw new Error(`${message.length} of ${typeof message} came back as something else`);
  }

  const close = next("close");
  socket.close(1000, "done");
  const { code, wasClean } = await close;
  if (code !== 1000 || !wasClean) throw new Error(`closed with ${code}, ${wasClean ? "" : "not "}clean`);
  return "text, 100 KiB text, 1 MiB binary, clean close";
}

if (typeof module !== "undefined") module.exports = { checkEchoes };
