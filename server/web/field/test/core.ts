// The core in Node: the WASM of dist.

import { readFileSync } from "node:fs";

import init from "../src/core/made/core";

let loaded: Promise<unknown> | undefined;

/** Tests run in the root of the repository. */
export function loadCore(): Promise<unknown> {
  loaded ??= init({ module_or_path: readFileSync("server/web/dist/core.wasm") });
  return loaded;
}
