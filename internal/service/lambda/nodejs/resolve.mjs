// Finds packages that ES modules import in the folders of NODE_PATH, as AWS's
// Node.js does, and asks for those of the AWS SDK that are not there.
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const folders = (process.env.NODE_PATH ?? "").split(":").filter(Boolean);

export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (fault) {
    if (fault.code !== "ERR_MODULE_NOT_FOUND" || /^(\.|\/|[a-z]+:)/.test(specifier)) throw fault;
    const from = (folder) => next(specifier, { ...context, parentURL: pathToFileURL(join(dirname(folder), "none.mjs")).href });
    for (const folder of folders) {
      try {
        return await from(folder);
      } catch {
        // not in this one
      }
    }
    const [name] = /^@(aws-sdk|smithy)\/[^/]+/.exec(specifier) ?? [];
    if (!name) throw fault;
    const answer = await fetch(`http://${process.env.AWS_LAMBDA_RUNTIME_API}/stepwell/packages`, { method: "POST", body: name });
    if (answer.status !== 200) throw fault;
    return from(await answer.text());
  }
}
