// node --import this: a server that would listen on every address listens on loopback only.
import net from "node:net";

const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (port, ...more) {
  const named = typeof port === "string" || typeof port === "number";
  return listen.call(this, named ? { port: Number(port), host: "127.0.0.1" } : port, ...more);
};
