// Runs a test that is compiled for wasm32-wasip1, as cargo's runner: node wasi.mjs TEST.wasm [ARGUMENT...]

import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const [program, ...args] = process.argv.slice(2);
const wasi = new WASI({ version: "preview1", args: [program, ...args], env: process.env });
const module = await WebAssembly.compile(await readFile(program));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
// A test that fails traps, or ends with a status other than 0.
process.exitCode = wasi.start(instance);
