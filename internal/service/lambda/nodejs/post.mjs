// The thread that posts while the main one waits.
import http from "node:http";
import { parentPort, workerData as shared } from "node:worker_threads";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const answer = new Int32Array(shared, 0, 3);

function finish(state, status, text) {
  answer[1] = status;
  answer[2] = Math.min(text.length, shared.byteLength - 12);
  new Uint8Array(shared, 12).set(text.subarray(0, answer[2]));
  Atomics.store(answer, 0, state);
  Atomics.notify(answer, 0);
}

parentPort.on("message", ({ path, body, headers }) => {
  const bytes = Buffer.from(body, "utf-8");
  const failed = () => finish(2, 0, Buffer.alloc(0));
  const options = { host, port, path, agent, method: "POST", headers: { "Content-Type": "application/json", "Content-Length": bytes.length, ...headers } };
  const request = http.request(options, (response) => {
    const parts = [];
    response.on("data", (part) => parts.push(part)).on("error", failed);
    response.on("end", () => finish(1, response.statusCode, Buffer.concat(parts)));
  });
  request.on("error", failed);
  request.end(bytes);
});
