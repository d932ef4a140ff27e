// Steps 3, 11 and 12: what was accepted, and in which order.

import { refuse } from "./reader.mjs";

const WINDOW = 1024n;
const DIGESTS = 4096;
const ZEROS = "00".repeat(32);

export class Guard {
  constructor(floor = null) {
    this.floor = floor; // issued at or before it: TooOld
    this.digests = new Set(); // a Set keeps the order of insertion
    this.streams = new Map();
  }

  // The gap before a message, or null; ids and previous are hex.
  check({ key, epoch, sequence, previous, issued }, id) {
    if (this.floor !== null && issued <= this.floor) refuse("TooOld");
    const stream = this.streams.get(key);
    const all = sequence > 1n ? [1n, sequence - 1n] : null;
    if (!stream) return all ?? (previous === ZEROS ? null : [0n, 0n]);
    if (epoch < stream.epoch) refuse("TooOld");
    if (epoch > stream.epoch) return all ?? (previous === stream.slots.get(stream.highest).id ? null : [0n, 0n]);
    if (sequence <= stream.highest - WINDOW) refuse("TooOld");
    const same = stream.slots.get(sequence);
    if (same) refuse(same.id === id ? "Replayed" : "Equivocation");
    if (sequence === 1n) return null;
    const before = stream.slots.get(sequence - 1n);
    if (before && before.id !== previous) refuse("ChainBreak");
    const after = stream.slots.get(sequence + 1n);
    if (after && after.previous !== id) refuse("ChainBreak");
    if (before) return null;
    let lower = stream.below;
    for (const seen of stream.slots.keys()) if (seen < sequence && seen > lower) lower = seen;
    return lower + 1n === sequence ? null : [lower + 1n, sequence - 1n];
  }

  add({ key, epoch, sequence, previous }, id, digest) {
    let stream = this.streams.get(key);
    if (!stream || epoch > stream.epoch) {
      stream = { epoch, highest: 0n, below: 0n, slots: new Map() };
      this.streams.set(key, stream);
    }
    stream.slots.set(sequence, { id, previous });
    if (sequence > stream.highest) {
      stream.highest = sequence;
      for (const seen of stream.slots.keys()) {
        if (seen > sequence - WINDOW) continue;
        stream.slots.delete(seen);
        if (seen > stream.below) stream.below = seen;
      }
    }
    this.digests.add(digest);
    if (this.digests.size > DIGESTS) this.digests.delete(this.digests.values().next().value);
  }
}
