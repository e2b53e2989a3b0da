// The thread that posts while the main one waits.
import http from "node:http";
import { parentPort, workerData as done } from "node:worker_threads";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function finish(value) {
  Atomics.store(done, 0, value);
  Atomics.notify(done, 0);
}

parentPort.on("message", ({ path, body, headers }) => {
  const bytes = Buffer.from(body, "utf-8");
  const options = { host, port, path, agent, method: "POST", headers: { "Content-Type": "application/json", "Content-Length": bytes.length, ...headers } };
  const request = http.request(options, (response) => response.resume().on("end", () => finish(1)).on("error", () => finish(2)));
  request.on("error", () => finish(2));
  request.end(bytes);
});
