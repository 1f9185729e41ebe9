// Peers for the proxy on ws: node check.js server, or node check.js client URL...
const { WebSocket, WebSocketServer } = require("ws");
const { once } = require("node:events");

async function client(urls) {
  // Noise that comes again within the smallest window in use, and 32 bytes of text.
  const block = require("node:crypto").randomBytes(1 << 10);
  const binary = Buffer.concat(Array(64 << 10).fill(block));
  const text = "🦀, Zoë said 日本語 twice ".repeat(2 << 20);
  for (const url of urls) {
    for (const perMessageDeflate of [true, false]) {
      const socket = new WebSocket(url, { perMessageDeflate });
      await once(socket, "open");
      for (const message of ["", "short", text, binary]) {
        const echo = once(socket, "message");
        socket.send(message);
        const [data, isBinary] = await echo;
        const isSame = typeof message === "string" ? !isBinary && data.toString() === message : data.equals(message);
        if (!isSame) throw new Error(`${message.length} came back as something else`);
      }
      const closed = once(socket, "close");
      socket.close(4001, "bye");
      const [code, reason] = await closed;
      if (code !== 4001 || reason.toString() !== "bye") throw new Error(`closed with ${code} ${reason}`);
    }
  }
  return `${urls.length * 2} times 64 MiB of text and of binary`;
}

function server() {
  const listener = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: true });
  listener.on("listening", () => console.log(`listening on ws://127.0.0.1:${listener.address().port}`));
  listener.on("connection", (socket) => {
    console.log(`extensions: ${Object.keys(socket._extensions ?? {})}`);
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on("close", (code, reason) => console.log(`closed: ${code} ${reason}`));
    socket.on("error", (error) => console.error(error));
  });
}

const [role, ...urls] = process.argv.slice(2);
if (role === "server") {
  server();
} else {
  client(urls).then(
    (report) => console.log(report),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
}
