// Starts AWS's runtime client for Node.js (npm: aws-lambda-ric): start.mjs CLIENT HANDLER
//
// The client's module rapid-client.node, a native HTTP client, would have to be
// compiled here. The client gets this one instead, which does the same: it asks
// for the next invocation, and posts an answer or an error and returns when that
// has arrived.
import http from "node:http";
import https from "node:https";
import Module, { syncBuiltinESMExports } from "node:module";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

const client = process.argv[2], handler = process.argv[3];

// What ES modules import from NODE_PATH: Node.js itself looks there for require only.
Module.register?.("./resolve.mjs", import.meta.url); // since 18.19

// The answer to a post: whether there is one, its status, its length, its text.
const shared = new SharedArrayBuffer(12 + 4096);
const answer = new Int32Array(shared, 0, 3);
const poster = new Worker(new URL("./post.mjs", import.meta.url), { workerData: shared });
poster.unref();

function post(path, body, headers) {
  Atomics.store(answer, 0, 0);
  poster.postMessage({ path, body, headers });
  Atomics.wait(answer, 0, 0);
  if (Atomics.load(answer, 0) !== 1) throw new Error("cannot reach the runtime API");
  return answer[1] === 200 ? Buffer.from(new Uint8Array(shared, 12, answer[2])).toString("utf-8") : undefined;
}

const answerTo = (id, kind, body, headers) => post(`/2018-06-01/runtime/invocation/${id}/${kind}`, body, headers);

// Packages of the AWS SDK whose names the code computes are asked for when they are needed.
const find = Module._resolveFilename;
Module._resolveFilename = function (request, parent, isMain, options) {
  try {
    return find.call(this, request, parent, isMain, options);
  } catch (fault) {
    const [name] = /^@(aws-sdk|smithy)\/[^/]+/.exec(request) ?? [];
    const folder = fault.code === "MODULE_NOT_FOUND" && name && post("/stepwell/packages", name, {});
    if (!folder) throw fault;
    return find.call(this, request, parent, isMain, { ...options, paths: [dirname(folder)] });
  }
};

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
  done: (id, body) => answerTo(id, "response", body, {}),
  error: (id, body, cause) => answerTo(id, "error", body, { "Lambda-Runtime-Function-XRay-Error-Cause": cause }),
};
// Custom resources answer CloudFormation by https at its port, whatever the URL
// says: so does the AWS CDK's code. What is for this server reaches it.
const endpoint = new URL(process.env.AWS_ENDPOINT_URL);
const secure = https.request;
https.request = function (options, ...rest) {
  const ours = options?.hostname === endpoint.hostname && [undefined, null, 443, "443"].includes(options.port) && String(options.path).startsWith("/_stepwell/");
  if (!ours) return secure.call(this, options, ...rest);
  const send = endpoint.protocol === "https:" ? secure : http.request;
  return send({ ...options, agent: undefined, protocol: endpoint.protocol, port: endpoint.port }, ...rest);
};
syncBuiltinESMExports();

const load = Module._load;
Module._load = (request, ...rest) => {
  if (request !== "./rapid-client.node") return load(request, ...rest);
  Module._load = load; // for the function's own code
  return native;
};
process.argv.splice(2);
const { run } = await import(pathToFileURL(client).href);
if (run) await run(process.env.LAMBDA_TASK_ROOT, handler); // version 4 has begun by itself
