// Random envelopes from a seed, good ones and spoilt ones, with what this verifier makes of them.

import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { ml_dsa65 } from "@noble/post-quantum/ml-dsa.js";
import { HYBRID_CONTEXT, kidOf, mac, sha256, signedBytes } from "./keys.mjs";
import { Verifier } from "./verifier.mjs";

const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const NOW = 1_767_225_600_000;
const ZERO = Buffer.alloc(32);
const EACH = 20; // envelopes a verifier
const PTYPES = ["application/vnd.cbmnet.heartbeat.v1+msgpack", "x/report", "application/vnd.cbmnet.leader-text.v1+msgpack"];
const SCHEMAS = {
  [PTYPES[0]]: [{ name: "count", type: "uint", min: 0, max: "18446744073709551615" }],
  [PTYPES[1]]: [
    { name: "blob", type: "bin", min: 0, max: 300, optional: true },
    { name: "level", type: "int", min: "-9223372036854775808", max: 100_000 },
    { name: "list", type: "array", min: 0, max: 20, items: { name: "item", type: "str", min: 0, max: 8 } },
    { name: "quiet", type: "bool", min: 0, max: 1 },
  ],
  [PTYPES[2]]: [{ name: "text", type: "str", min: 1, max: 400 }],
};

class Random {
  constructor(seed) {
    this.seed = seed;
    this.count = 0;
    this.pool = Buffer.alloc(0);
  }

  bytes(size) {
    while (this.pool.length < size) this.pool = Buffer.concat([this.pool, sha256(`${this.seed}:${this.count++}`)]);
    const out = this.pool.subarray(0, size);
    this.pool = this.pool.subarray(size);
    return out;
  }

  below(n) { return this.bytes(6).readUIntBE(0, 6) % n; }
  pick(list) { return list[this.below(list.length)]; }
  chance(percent) { return this.below(100) < percent; }
}

// The writer. Integers are numbers or BigInt, str are strings, bin are Buffers, maps are lists in a Map.
const be = (n, width) => Buffer.from(BigInt.asUintN(8 * width, BigInt(n)).toString(16).padStart(2 * width, "0"), "hex");

function head(value, widths, long) {
  // widths: [least, most, first byte, bytes of number]; `long` takes the next form that fits as well
  const fits = widths.filter(([least, most]) => value >= least && value <= most);
  const [, , first, width] = long && fits.length > 1 ? fits[1] : fits[0];
  return width === 0 ? Buffer.from([first + Number(value & 0x7fn)]) : Buffer.concat([Buffer.from([first]), be(value, width)]);
}

const UINT = [[0n, 0x7fn, 0, 0], [0n, 0xffn, 0xcc, 1], [0n, 0xffffn, 0xcd, 2], [0n, 0xffffffffn, 0xce, 4], [0n, (1n << 64n) - 1n, 0xcf, 8]];
const INT = [[-0x80n, 0n, 0xd0, 1], [-0x8000n, 0n, 0xd1, 2], [-0x80000000n, 0n, 0xd2, 4], [-(1n << 63n), 0n, 0xd3, 8]];
const STR = [[0n, 31n, 0xa0, 0], [0n, 0xffn, 0xd9, 1], [0n, 0xffffn, 0xda, 2], [0n, 0xffffffffn, 0xdb, 4]];
const BIN = [[0n, 0xffn, 0xc4, 1], [0n, 0xffffn, 0xc5, 2], [0n, 0xffffffffn, 0xc6, 4]];
const ARRAY = [[0n, 15n, 0x90, 0], [0n, 0xffffn, 0xdc, 2], [0n, 0xffffffffn, 0xdd, 4]];
const MAP = [[0n, 15n, 0x80, 0], [0n, 0xffffn, 0xde, 2], [0n, 0xffffffffn, 0xdf, 4]];

// `spoil.left` counts down to the header that is written in a longer form.
function write(value, spoil = { left: -1 }) {
  const long = spoil.left-- === 0;
  if (value === null) return Buffer.from([0xc0]);
  if (typeof value === "boolean") return Buffer.from([value ? 0xc3 : 0xc2]);
  if (value instanceof Float) return Buffer.from([0xca, 0x3f, 0xc0, 0, 0]);
  if (typeof value === "number" || typeof value === "bigint") {
    const n = BigInt(value);
    if (n >= 0n) return head(n, UINT, long);
    return n >= -32n && !long ? Buffer.from([Number(n + 256n)]) : head(n, INT, long && n < -32n);
  }
  if (typeof value === "string") {
    const raw = Buffer.from(value);
    return Buffer.concat([head(BigInt(raw.length), STR, long), raw]);
  }
  if (Buffer.isBuffer(value)) return Buffer.concat([head(BigInt(value.length), BIN, long), value]);
  if (value instanceof Map) {
    const parts = [head(BigInt(value.size), MAP, long)];
    for (const [key, item] of value) parts.push(write(key, spoil), write(item, spoil));
    return Buffer.concat(parts);
  }
  return Buffer.concat([head(BigInt(value.length), ARRAY, long), ...value.map((item) => write(item, spoil))]);
}

class Float {}

function ed25519(seed) {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(12);
  return { algorithm: 1, publicKey, sign: (m) => sign(null, m, key) };
}

function hybrid(seed) {
  const one = ed25519(seed);
  const { secretKey, publicKey } = ml_dsa65.keygen(sha256("ml-dsa", seed));
  const options = { context: HYBRID_CONTEXT, extraEntropy: false };
  return {
    algorithm: 2,
    publicKey: Buffer.concat([one.publicKey, publicKey]),
    sign: (m) => Buffer.concat([one.sign(Buffer.concat([HYBRID_CONTEXT, m])), ml_dsa65.sign(m, secretKey, options)]),
  };
}

const simulated = (secret) => ({ algorithm: 0xf0, publicKey: sha256(secret), secret, sign: (m) => mac(secret, m) });

function makeKeys(seed) {
  const from = (name) => sha256(`${seed}/${name}`);
  const keys = {
    ann: ed25519(from("ann")), ben: ed25519(from("ben")), old: ed25519(from("old")), lost: ed25519(from("lost")),
    far: ed25519(from("far")), stranger: ed25519(from("stranger")), hyb: hybrid(from("hyb")),
    sim: simulated(Buffer.concat([from("sim"), from("more")])), bare: simulated(from("bare")),
  };
  for (const key of Object.values(keys)) key.kid = kidOf(key.algorithm, key.publicKey);
  return keys;
}

function makeSetup(keys, realm) {
  const terms = {
    ann: {}, ben: {}, hyb: {}, sim: {}, bare: {},
    old: { status: "superseded", revoked_at_ms: NOW + 5000 },
    lost: { status: "compromised", revoked_at_ms: NOW },
    far: { party: "west" },
  };
  const entries = Object.entries(terms).map(([name, more]) => ({
    kid: keys[name].kid.toString("hex"), algorithm: keys[name].algorithm,
    public_key: keys[name].publicKey.toString("hex"), person: name, party: "north", ptypes: PTYPES,
    not_before_ms: 0, not_after_ms: NOW + 20_000, status: "active", revoked_at_ms: null, ...more,
  }));
  return {
    realm, receiver: "south", max_wire_bytes: 16384, max_ttl_ms: 86_400_000, skew_ms: 30_000, boot_floor_ms: null,
    allowed: PTYPES, policies: { [PTYPES[2]]: 2 }, entries, secrets: { [keys.sim.kid.toString("hex")]: keys.sim.secret.toString("hex") },
  };
}

const EDGES = [0n, 1n, 127n, 128n, 255n, 256n, 65535n, 65536n, 0xffffffffn, 0x100000000n, 1n << 53n, (1n << 64n) - 1n];
const NEGATIVE = [-1n, -32n, -33n, -128n, -129n, -32768n, -32769n, -(1n << 31n), -(1n << 31n) - 1n, -(1n << 63n)];
const TEXTS = ["", "a", "line\n", "\ufeffx", "\u00fc\u20ac", "\u{1f4e1}", "x".repeat(31), "x".repeat(32), "x".repeat(300)];

function makePayload(random, ptype) {
  if (ptype === PTYPES[0]) return [["count", random.pick(EDGES)]];
  if (ptype === PTYPES[2]) return [["text", random.pick(TEXTS.slice(1))]];
  const fields = [
    ["level", random.pick([...NEGATIVE, 0n, 5n, 100_000n])],
    ["list", Array.from({ length: random.pick([0, 1, 3, 15, 16, 20]) }, () => random.pick(TEXTS.slice(0, 6)))],
    ["quiet", random.chance(50)],
  ];
  return random.chance(50) ? [["blob", Buffer.from(random.bytes(random.pick([0, 1, 255, 256, 300])))], ...fields] : fields;
}

const anything = (random) =>
  random.pick([null, true, -1n, 0n, 70_000n, (1n << 64n) - 1n, "", "North", "north", Buffer.alloc(31), ZERO, [], ["south", "east"],
    ["south", "south"], [1n], new Map(), new Map([["b", 1n], ["a", 1n]]), new Map([["B", 1n]]), new Float(), [[[[[[[[[[]]]]]]]]]],
    Array(65).fill(0n), Buffer.alloc(8193)]);

function spoilBytes(random, bytes) {
  const out = Buffer.from(bytes);
  const at = random.below(Math.max(1, out.length));
  switch (random.below(6)) {
    case 0: if (out.length) out[at] ^= 1 << random.below(8); return out;
    case 1: return out.subarray(0, at);
    case 2: return Buffer.concat([out, random.bytes(1 + random.below(3))]);
    case 3: return Buffer.concat([out.subarray(0, at), random.bytes(1), out.subarray(at)]);
    case 4: return Buffer.concat([out.subarray(0, at), out.subarray(at + 1)]);
    default: if (out.length) out[at] = random.pick([0x90, 0x80, 0xc1, 0xca, 0xcc, 0xd0, 0xd9, 0xdc, 0xff, 0xc4]); return out;
  }
}

class Stream {
  constructor() {
    Object.assign(this, { epoch: 0n, sequence: 1n, previous: ZERO });
  }
}

// What was accepted, signed by somebody else.
function resign({ ptype, body }, random, keys, setup) {
  const key = keys[random.pick(["ann", "ben", "sim"])];
  const pairs = [[key.kid, key.sign(signedBytes(ptype, setup.realm, body))]];
  return write([1n, ptype, body, pairs]);
}

function makeOne(random, keys, setup, stream) {
  const ptype = random.pick(PTYPES);
  const payload = makePayload(random, ptype);
  if (random.chance(6)) payload.reverse();
  if (random.chance(4)) payload.push(["zz", 1n]);
  if (random.chance(4)) payload.pop();
  const issued = NOW + (random.chance(80) ? 0 : random.pick([4999, 5000, 19_999, 20_000, 30_000, 30_001]));
  let { epoch, sequence, previous } = stream;
  const turn = random.below(100);
  if (turn < 6) sequence += BigInt(1 + random.below(5));
  else if (turn < 10) sequence = sequence > 2n ? sequence - 2n : 1n;
  else if (turn < 13) [epoch, sequence] = [epoch + 1n, 1n];
  else if (turn < 15) sequence += 1024n;
  else if (turn < 17) previous = Buffer.from(random.bytes(32));
  else if (turn < 18 && epoch > 0n) epoch -= 1n;
  const fields = [
    1n, random.chance(3) ? "west" : random.pick(["north", "north", "north/nrrc"]), random.chance(3) ? ["east"] : ["south"], 1n, epoch, sequence,
    BigInt(issued), BigInt(issued + (random.chance(90) ? 60_000 : random.pick([1, 86_400_000, 86_400_001]))), previous, new Map(payload),
  ];
  if (random.chance(6)) fields[random.below(10)] = anything(random);
  if (random.chance(2)) fields.push(1n);
  const longer = () => ({ left: random.chance(4) ? random.below(25) : -1 });
  let body = write(fields, longer());
  if (random.chance(5)) body = spoilBytes(random, body);

  const many = ptype === PTYPES[2] ? ["ann", "ben"] : [random.pick(["ann", "ben", "ann", "sim", "hyb"])];
  const names = new Set(random.chance(8) ? [random.pick(["ann", "ben", "old", "lost", "far", "stranger", "bare", "hyb", "sim"])] : many);
  if (random.chance(8)) names.add(random.pick(["ann", "ben", "old", "lost", "far", "stranger", "bare", "sim"]));
  const m = signedBytes(ptype, random.chance(2) ? "other" : setup.realm, body);
  const pairs = [...names].map((name) => [keys[name].kid, keys[name].sign(m)]);
  pairs.sort((a, b) => Buffer.compare(a[0], b[0]));
  if (random.chance(4)) pairs[0][1] = spoilBytes(random, pairs[0][1]);
  if (random.chance(3)) pairs.reverse();
  if (random.chance(2)) pairs.push(pairs[0]);
  const parts = [1n, ptype, body, pairs];
  if (random.chance(5)) parts[random.below(4)] = anything(random);
  let wire = write(parts, longer());
  if (random.chance(7)) wire = spoilBytes(random, wire);
  return { wire, epoch, sequence, ptype, body };
}

export function* sealAll(seed, count) {
  const random = new Random(seed);
  const keys = makeKeys(seed);
  let verifier;
  let setup;
  let stream;
  let last;
  for (let i = 0; i < count; i++) {
    if (i % EACH === 0) {
      setup = makeSetup(keys, random.chance(70) ? "sim" : "exercise-1");
      yield { setup, schemas: SCHEMAS };
      verifier = new Verifier(setup, SCHEMAS);
      stream = new Stream();
      last = null;
    }
    let one = last && random.chance(4) ? last : makeOne(random, keys, setup, stream);
    if (last && random.chance(3)) one = { ...last, wire: resign(last, random, keys, setup) };
    const now = NOW + (random.chance(92) ? 0 : random.pick([-30_000, -30_001, 89_999, 90_000]));
    const expected = verifier.accept(one.wire, now);
    if (expected.accepted) {
      last = one;
      const ahead = one.epoch > stream.epoch || (one.epoch === stream.epoch && one.sequence >= stream.sequence);
      if (ahead) Object.assign(stream, { epoch: one.epoch, sequence: one.sequence + 1n, previous: Buffer.from(expected.accepted.id, "hex") });
    }
    yield { wire: one.wire.toString("hex"), now_ms: now, expected };
  }
}
