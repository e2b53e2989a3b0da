// Starts AWS's runtime client for Node.js (npm: aws-lambda-ric): start.mjs CLIENT HANDLER
//
// The client's module rapid-client.node, a native HTTP client, would have to be
// compiled here. The client gets this one instead, which does the same: it asks
// for the next invocation, and posts an answer or an error and returns when that
// has arrived.
import http from "node:http";
import { createRequire, register } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

const Module = createRequire(import.meta.url)("node:module");
const client = process.argv[2], handler = process.argv[3];

// What ES modules import from NODE_PATH: Node.js itself looks there for require only.
register("./resolve.mjs", import.meta.url);

const done = new Int32Array(new SharedArrayBuffer(4));
const poster = new Worker(new URL("./post.mjs", import.meta.url), { workerData: done });
poster.unref();

function post(id, kind, body, headers) {
  Atomics.store(done, 0, 0);
  poster.postMessage({ path: `/2018-06-01/runtime/invocation/${id}/${kind}`, body, headers });
  Atomics.wait(done, 0, 0);
  if (Atomics.load(done, 0) !== 1) throw new Error("cannot reach the runtime API");
}

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function next() {
  return new Promise((resolve, reject) => {
    const request = http.get({ host, port, agent, path: "/2018-06-01/runtime/invocation/next" }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part)).on("error", reject);
      response.on("end", () => resolve({ bodyJson: Buffer.concat(parts).toString("utf-8"), headers: response.headers }));
    });
    request.on("error", reject);
  });
}

const native = {
  initializeClient() {},
  next,
  done: (id, body) => post(id, "response", body, {}),
  error: (id, body, cause) => post(id, "error", body, { "Lambda-Runtime-Function-XRay-Error-Cause": cause }),
};
const load = Module._load;
Module._load = (request, ...rest) => {
  if (request !== "./rapid-client.node") return load(request, ...rest);
  Module._load = load; // for the function's own code
  return native;
};
process.argv.splice(2);
const { run } = await import(pathToFileURL(client).href);
if (run) await run(process.env.LAMBDA_TASK_ROOT, handler); // version 4 has begun by itself
