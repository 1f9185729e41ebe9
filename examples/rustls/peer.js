// An echo server over TLS on ws: node peer.js CERT KEY
const { readFileSync } = require("fs");
const { createServer } = require("https");
const { WebSocketServer } = require("ws");

const [cert, key] = process.argv.slice(2).map((path) => readFileSync(path));
const server = createServer({ cert, key });
const sockets = new WebSocketServer({ server, perMessageDeflate: { threshold: 0 } });
sockets.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on("error", (error) => console.error(error));
});
server.listen(0, "127.0.0.1", () => console.log(`listening on wss://127.0.0.1:${server.address().port}`));
