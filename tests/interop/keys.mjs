// Keys, what is signed, and the checks of the three algorithms.

import { createHash, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { blake2b } from "@noble/hashes/blake2.js";
import { ml_dsa65 } from "@noble/post-quantum/ml-dsa.js";

const SPKI = Buffer.from("302a300506032b6570032100", "hex");
export const HYBRID_CONTEXT = Buffer.from("cbmnet-hybrid-v1");

export const sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

export const kidOf = (algorithm, publicKey) =>
  sha256("cbmnet-kid-v1", Buffer.from([algorithm]), publicKey).subarray(0, 16);

export function signedBytes(ptype, realm, body) {
  const type = `${ptype};realm=${realm}`; // both ASCII
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${body.length} `), body]);
}

export const mac = (secret, m) => Buffer.from(blake2b(m, { key: secret, dkLen: 64 }));

const ed25519Key = (raw) =>
  createPublicKey({ key: Buffer.concat([SPKI, raw]), format: "der", type: "spki" });

// A function of (signature, M), or null where the algorithm cannot be used here.
export function checkOf(algorithm, publicKey, realm, secret) {
  if (algorithm === 1) {
    const key = ed25519Key(publicKey);
    return (signature, m) => signature.length === 64 && verify(null, m, key, signature);
  }
  if (algorithm === 2) {
    const key = ed25519Key(publicKey.subarray(0, 32));
    const other = publicKey.subarray(32);
    return (signature, m) =>
      signature.length === 64 + 3309 &&
      verify(null, Buffer.concat([HYBRID_CONTEXT, m]), key, signature.subarray(0, 64)) &&
      ml_dsa65.verify(signature.subarray(64), m, other, { context: HYBRID_CONTEXT });
  }
  if (algorithm === 0xf0 && realm === "sim" && secret) {
    if (!sha256(secret).equals(publicKey)) throw new Error("a secret does not belong to its key");
    return (signature, m) => signature.length === 64 && timingSafeEqual(mac(secret, m), signature);
  }
  return null;
}
