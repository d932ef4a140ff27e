// The strict pass over MessagePack: one form for each value, and a code for the first offence.
// Nothing here is shared with, or passed through, a MessagePack library.

export class Refusal extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

export function refuse(code) {
  throw new Refusal(code);
}

const MAX_ITEMS = 64;
const MAX_BYTES = 8192;
export const ENVELOPE_DEPTH = 8;
export const ENVELOPE_VALUES = 64;
export const BODY_DEPTH = 9;
const KEY = /^[a-z][a-z0-9_]{0,31}$/;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// Values come out as { t, v }, str and bin with their raw bytes in `raw`; a map's v is a list of [key, value].
class Pass {
  constructor(bytes, maxDepth, maxValues) {
    this.bytes = bytes;
    this.at = 0;
    this.maxDepth = maxDepth;
    this.left = maxValues;
  }

  take(count) {
    if (count > this.bytes.length - this.at) refuse("BadEncoding");
    const out = this.bytes.subarray(this.at, this.at + count);
    this.at += count;
    return out;
  }

  big(width) {
    let n = 0n;
    for (const byte of this.take(width)) n = (n << 8n) | BigInt(byte);
    return n;
  }

  unsigned(width, least) {
    const n = this.big(width);
    if (n < least) refuse("NotCanonical");
    return { t: "int", v: n };
  }

  signed(width, below) {
    const n = BigInt.asIntN(8 * width, this.big(width));
    if (n >= below) refuse("NotCanonical");
    return { t: "int", v: n };
  }

  length(width, least) {
    const n = this.big(width);
    if (n < least) refuse("NotCanonical");
    return Number(n);
  }

  bin(size) {
    if (size > MAX_BYTES) refuse("TooLarge");
    return { t: "bin", raw: this.take(size) };
  }

  str(size) {
    if (size > MAX_BYTES) refuse("TooLarge");
    const raw = this.take(size);
    try {
      return { t: "str", raw, v: utf8.decode(raw) };
    } catch {
      return refuse("BadEncoding");
    }
  }

  array(count, depth) {
    this.enter(count, depth);
    const v = [];
    for (let i = 0; i < count; i++) v.push(this.value(depth + 1));
    return { t: "array", v };
  }

  map(count, depth) {
    this.enter(count, depth);
    const v = [];
    for (let i = 0; i < count; i++) {
      const key = this.value(depth + 1, true);
      if (key.t !== "str" || !KEY.test(key.v)) refuse("BadField");
      if (i > 0 && key.v <= v[i - 1][0]) refuse("NotCanonical"); // ASCII: order of code units is order of bytes
      v.push([key.v, this.value(depth + 1)]);
    }
    return { t: "map", v };
  }

  enter(count, depth) {
    if (count > MAX_ITEMS) refuse("TooLarge");
    if (depth > this.maxDepth) refuse("TooDeep");
    this.count();
  }

  // After a value's own questions: a container's before its items.
  count() {
    if (this.left-- <= 0) refuse("TooLarge");
  }

  // A container where a key is due is refused after its own header: what is in it is not asked.
  container(make, count, depth, asKey) {
    if (!asKey) return make.call(this, count, depth);
    this.enter(count, depth);
    return refuse("BadField");
  }

  value(depth, asKey = false) {
    const value = this.any(depth, asKey);
    if (value.t !== "array" && value.t !== "map") this.count();
    return value;
  }

  any(depth, asKey) {
    const first = this.take(1)[0];
    if (first < 0x80) return { t: "int", v: BigInt(first) };
    if (first < 0x90) return this.container(this.map, first & 0x0f, depth, asKey);
    if (first < 0xa0) return this.container(this.array, first & 0x0f, depth, asKey);
    if (first < 0xc0) return this.str(first & 0x1f);
    if (first >= 0xe0) return { t: "int", v: BigInt(first) - 256n };
    switch (first) {
      case 0xc0: return { t: "nil" };
      case 0xc2: return { t: "bool", v: false };
      case 0xc3: return { t: "bool", v: true };
      case 0xc4: return this.bin(this.length(1, 0n));
      case 0xc5: return this.bin(this.length(2, 0x100n));
      case 0xc6: return this.bin(this.length(4, 0x10000n));
      case 0xcc: return this.unsigned(1, 0x80n);
      case 0xcd: return this.unsigned(2, 0x100n);
      case 0xce: return this.unsigned(4, 0x10000n);
      case 0xcf: return this.unsigned(8, 0x100000000n);
      case 0xd0: return this.signed(1, -32n);
      case 0xd1: return this.signed(2, -0x80n);
      case 0xd2: return this.signed(4, -0x8000n);
      case 0xd3: return this.signed(8, -0x80000000n);
      case 0xd9: return this.str(this.length(1, 32n));
      case 0xda: return this.str(this.length(2, 0x100n));
      case 0xdb: return this.str(this.length(4, 0x10000n));
      case 0xdc: return this.container(this.array, this.length(2, 16n), depth, asKey);
      case 0xdd: return this.container(this.array, this.length(4, 0x10000n), depth, asKey);
      case 0xde: return this.container(this.map, this.length(2, 16n), depth, asKey);
      case 0xdf: return this.container(this.map, this.length(4, 0x10000n), depth, asKey);
      default: return refuse("BadEncoding");
    }
  }
}

export function read(bytes, maxDepth, maxValues = Infinity) {
  const pass = new Pass(bytes, maxDepth, maxValues);
  const value = pass.value(1);
  if (pass.at !== bytes.length) refuse("TrailingBytes");
  return value;
}

// The items of an array whose element 0 is version 1.
export function versioned(value, count) {
  if (value.t !== "array" || value.v.length === 0) refuse("BadField");
  const [version] = value.v;
  if (version.t !== "int" || version.v < 0n) refuse("BadField");
  if (version.v !== 1n) refuse("UnsupportedVersion");
  if (value.v.length !== count) refuse("BadField");
  return value.v;
}
