// Finds packages that ES modules import in the folders of NODE_PATH, as AWS's Node.js does.
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const folders = (process.env.NODE_PATH ?? "").split(":").filter(Boolean);

export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (fault) {
    if (fault.code !== "ERR_MODULE_NOT_FOUND" || /^(\.|\/|[a-z]+:)/.test(specifier)) throw fault;
    for (const folder of folders) {
      try {
        return await next(specifier, { ...context, parentURL: pathToFileURL(join(dirname(folder), "none.mjs")).href });
      } catch {
        // not in this one
      }
    }
    throw fault;
  }
}
