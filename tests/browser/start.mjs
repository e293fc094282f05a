// Starts the mock server on a free port.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** @returns {Promise<{url: string, stop: () => void}>} */
export function startMock() {
  const child = spawn(process.execPath, [fileURLToPath(new URL("mock.mjs", import.meta.url))], { env: { ...process.env, QUIET: "1" } });
  child.stderr.pipe(process.stderr);
  return new Promise((done, fail) => {
    child.stdout.once("data", (line) => done({ url: String(line).trim(), stop: () => child.kill() }));
    child.once("exit", (code) => fail(new Error(`the mock server ended with ${code}`)));
  });
}
