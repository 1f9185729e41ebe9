// A peer on ws: node ws_peer.js client URL [narrow], or node ws_peer.js server [narrow]
const { WebSocket, WebSocketServer } = require("ws");
const { checkEchoes } = require("./echoes.js");

const [role, ...args] = process.argv.slice(2);
// The smallest windows that this library compresses with, empty before each message.
const narrow = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  serverMaxWindowBits: 9,
  clientMaxWindowBits: 9,
};
// By itself it leaves everything below 1 KiB as it is.
const perMessageDeflate = { threshold: 0, ...(args.includes("narrow") ? narrow : {}) };

if (role === "client") {
  checkEchoes(new WebSocket(args[0], { perMessageDeflate })).then(
    (report) => console.log(report),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
} else {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate });
  server.on("listening", () => console.log(`listening on ws://127.0.0.1:${server.address().port}`));
  server.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on("error", (error) => console.error(error));
  });
}
