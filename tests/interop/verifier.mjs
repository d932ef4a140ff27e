// The thirteen steps. Settings have the form of a setup in the vector file.

import { Guard } from "./guard.mjs";
import { checkOf, sha256, signedBytes } from "./keys.mjs";
import { BODY_DEPTH, ENVELOPE_DEPTH, ENVELOPE_VALUES, Refusal, read, refuse, versioned } from "./reader.mjs";

const NAME = /^[a-z0-9./-]{1,64}$/;
const LENGTHS = [64, 3373];
const U64 = (1n << 64n) - 1n;
const hex = (text) => Buffer.from(text, "hex");
// Settings hold an integer above 2^53 - 1 as text.
const bounds = (field) => ({
  ...field,
  min: BigInt(field.min),
  max: BigInt(field.max),
  items: field.items && bounds(field.items),
});

export class Verifier {
  constructor(setup, schemas) {
    this.setup = setup;
    this.allowed = new Set(setup.allowed);
    this.schemas = new Map(Object.entries(schemas).map(([ptype, fields]) => [ptype, fields.map(bounds)]));
    this.ttl = BigInt(setup.max_ttl_ms);
    this.skew = BigInt(setup.skew_ms);
    const floor = setup.boot_floor_ms;
    this.guard = new Guard(floor === null ? null : BigInt(floor) + this.skew);
    this.entries = new Map();
    for (const entry of setup.entries) {
      const secret = setup.secrets[entry.kid];
      this.entries.set(entry.kid, {
        ...entry,
        check: checkOf(entry.algorithm, hex(entry.public_key), setup.realm, secret && hex(secret)),
        notBefore: BigInt(entry.not_before_ms),
        notAfter: BigInt(entry.not_after_ms),
        revokedAt: entry.revoked_at_ms === null ? null : BigInt(entry.revoked_at_ms),
      });
    }
  }

  // { accepted } or { code }; what is accepted is remembered.
  accept(wire, now) {
    try {
      return { accepted: this.steps(wire, BigInt(now)) };
    } catch (error) {
      if (error instanceof Refusal) return { code: error.code };
      throw error;
    }
  }

  steps(wire, now) {
    if (wire.length > this.setup.max_wire_bytes) refuse("TooLarge"); // 1
    const { ptype, body, pairs } = this.envelope(wire); // 2
    const digest = sha256(wire).toString("hex");
    if (this.guard.digests.has(digest)) refuse("Duplicate"); // 3
    const m = signedBytes(ptype, this.setup.realm, body);
    const signers = this.authenticate(pairs, m); // 4, 5
    const message = readBody(body); // 6
    this.payload(ptype, message.payload); // 7
    this.authorise(ptype, message.sender, signers); // 8
    if (!message.receivers.includes(this.setup.receiver)) refuse("NotReceiver"); // 9
    this.time(message, signers, now); // 10
    const id = sha256(m).toString("hex");
    const gap = this.guard.check(message, id); // 11, 12
    this.guard.add(message, id, digest); // 13
    return {
      id,
      sender: message.sender,
      kind: ptype.replace(/^application\/vnd\.cbmnet\./, "").replace(/\.v1\+msgpack$/, ""),
      sequence: message.sequence,
      signers: signers.map((entry) => entry.person),
      gap,
    };
  }

  envelope(wire) {
    const [, ptype, body, list] = versioned(read(wire, ENVELOPE_DEPTH, ENVELOPE_VALUES), 4);
    if (ptype.t !== "str" || ptype.raw.length < 1 || ptype.raw.length > 96) refuse("BadField");
    if (ptype.raw.some((byte) => byte > 0x7f)) refuse("BadField");
    if (!this.allowed.has(ptype.v)) refuse("UnknownType");
    if (body.t !== "bin") refuse("BadField");
    if (list.t !== "array" || list.v.length < 1 || list.v.length > 8) refuse("BadField");
    const pairs = [];
    for (const pair of list.v) {
      if (pair.t !== "array" || pair.v.length !== 2) refuse("BadField");
      const [kid, signature] = pair.v;
      if (kid.t !== "bin" || kid.raw.length !== 16) refuse("BadField");
      if (pairs.length && Buffer.compare(kid.raw, pairs.at(-1).kid) <= 0) refuse("NotCanonical");
      if (signature.t !== "bin" || !LENGTHS.includes(signature.raw.length)) refuse("BadField");
      pairs.push({ kid: kid.raw, signature: signature.raw });
    }
    return { ptype: ptype.v, body: body.raw, pairs };
  }

  authenticate(pairs, m) {
    const known = [];
    for (const { kid, signature } of pairs) {
      const entry = this.entries.get(Buffer.from(kid).toString("hex"));
      if (entry) known.push({ entry, signature });
    }
    if (!known.length) refuse("UnknownKey");
    if (known.some(({ entry }) => entry.status === "compromised")) refuse("KeyRevoked");
    if (known.some(({ entry }) => entry.check === null)) refuse("AlgorithmUnavailable");
    if (!known.every(({ entry, signature }) => entry.check(signature, m))) refuse("BadSignature");
    return known.map(({ entry }) => entry);
  }

  payload(ptype, payload) {
    const schema = this.schemas.get(ptype);
    if (!schema) refuse("BadField"); // a trust store is no message
    const given = new Map(payload);
    if (payload.some(([key]) => !schema.some((field) => field.name === key))) refuse("BadField");
    for (const field of schema) {
      const value = given.get(field.name);
      if (value === undefined ? !field.optional : !holds(field, value)) refuse("BadField");
    }
  }

  authorise(ptype, sender, signers) {
    for (const { party, ptypes } of signers) {
      if (!ptypes.includes(ptype)) refuse("SignerNotAllowed");
      if (sender !== party && !sender.startsWith(`${party}/`)) refuse("SignerNotAllowed");
    }
    const policies = this.setup.policies;
    const needed = Object.hasOwn(policies, ptype) ? policies[ptype] : 1;
    // Letters compare without case; to upper and back to lower is the nearest the language has to folding.
    const persons = new Set(signers.map(({ person }) => person.toUpperCase().toLowerCase()));
    if (persons.size < needed) refuse("ThresholdNotMet");
  }

  time({ issued, expires }, signers, now) {
    if (expires - issued > this.ttl) refuse("TtlTooLong");
    if (issued > now + this.skew) refuse("FromFuture");
    if (now >= expires + this.skew) refuse("Expired");
    for (const { notBefore, notAfter, status, revokedAt } of signers) {
      if (issued < notBefore) refuse("KeyNotYetValid");
      if (issued >= notAfter) refuse("KeyExpired");
      if (status === "superseded" && issued >= revokedAt) refuse("KeyRevoked");
    }
  }
}

const isName = (value) => value.t === "str" && NAME.test(value.v);

function uint(value, least, most) {
  if (value.t !== "int" || value.v < least || value.v > most) refuse("BadField");
  return value.v;
}

function readBody(body) {
  if (body.length > 8192) refuse("TooLarge");
  const fields = versioned(read(body, BODY_DEPTH), 10);
  const [, sender, to, streamField, epochField, sequenceField, issuedField, expiresField, previous, payload] = fields;
  if (!isName(sender)) refuse("BadField");
  if (to.t !== "array" || to.v.length < 1 || to.v.length > 16) refuse("BadField");
  const receivers = [];
  for (const name of to.v) {
    if (!isName(name)) refuse("BadField");
    if (receivers.length && name.v <= receivers.at(-1)) refuse("NotCanonical");
    receivers.push(name.v);
  }
  const stream = uint(streamField, 0n, 0xffffn);
  const epoch = uint(epochField, 0n, 0xffffffffn);
  const sequence = uint(sequenceField, 1n, U64);
  const issued = uint(issuedField, 0n, U64);
  const expires = uint(expiresField, issued + 1n, U64);
  if (previous.t !== "bin" || previous.raw.length !== 32) refuse("BadField");
  if (payload.t !== "map") refuse("BadField");
  return {
    sender: sender.v,
    receivers,
    key: `${stream} ${sender.v}`,
    epoch,
    sequence,
    issued,
    expires,
    previous: Buffer.from(previous.raw).toString("hex"),
    payload: payload.v,
  };
}

function holds(field, value) {
  const within = (n) => n >= field.min && n <= field.max;
  switch (field.type) {
    case "uint":
    case "int":
      return value.t === "int" && within(value.v);
    case "bool":
      return value.t === "bool";
    case "bin":
      return value.t === "bin" && within(BigInt(value.raw.length));
    case "str":
      if (value.t !== "str" || !within(BigInt(value.raw.length))) return false;
      return !field.choices || field.choices.includes(value.v);
    case "array":
      return (
        value.t === "array" && within(BigInt(value.v.length)) && value.v.every((item) => holds(field.items, item))
      );
    default:
      throw new Error(`no such type: ${field.type}`);
  }
}
