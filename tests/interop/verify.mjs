// node verify.mjs vectors FILE      one JSON result a case of the vector file
// node verify.mjs batch             JSON lines on stdin: {"setup", "schemas"} begins a verifier, {"wire", "now_ms"} asks it
// node verify.mjs seal SEED COUNT   the same kind of lines, with envelopes sealed here and what became of them

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { sealAll } from "./seal.mjs";
import { Verifier } from "./verifier.mjs";

// An integer above 2^53 - 1 leaves as text, as in the vector file.
const json = (value) =>
  JSON.stringify(value, (_, item) =>
    typeof item !== "bigint" ? item : item <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(item) : String(item),
  );
const print = (value) => process.stdout.write(`${json(value)}\n`);
const bytes = (text) => Buffer.from(text, "hex");

function vectors(file) {
  const { cases, setups, schemas } = JSON.parse(readFileSync(file, "utf8"));
  for (const { name, setup, steps, ...alone } of cases) {
    const verifier = new Verifier(setups[setup], schemas);
    const results = (steps ?? [alone]).map(({ wire, now_ms }) => verifier.accept(bytes(wire), now_ms));
    print({ name, results });
  }
}

async function batch() {
  let verifier = null;
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const data = JSON.parse(line);
    if (data.setup) verifier = new Verifier(data.setup, data.schemas);
    else print(verifier.accept(bytes(data.wire), data.now_ms));
  }
}

const [command, ...rest] = process.argv.slice(2);
if (command === "vectors" && rest.length === 1) vectors(rest[0]);
else if (command === "batch" && rest.length === 0) await batch();
else if (command === "seal" && rest.length === 2) for (const line of sealAll(rest[0], Number(rest[1]))) print(line);
else {
  process.stderr.write("usage: node verify.mjs vectors FILE | batch | seal SEED COUNT\n");
  process.exitCode = 2;
}
