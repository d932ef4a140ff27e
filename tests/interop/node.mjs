// Stop and wait as a node on standard input and output: written from cbmnet/drivers/STDIO.md.

import { createInterface } from "node:readline";
import { read, versioned } from "./reader.mjs";

const DATA = 0n;
const LINK_ACK = 1n;

// --- the frame: msgpack [1, type, stream, sequence, attempt, envelope or nil], shortest forms

function unsigned(value) {
  const n = BigInt(value);
  if (n < 0x80n) return Buffer.from([Number(n)]);
  const [first, width] = n < 0x100n ? [0xcc, 1] : n < 0x10000n ? [0xcd, 2] : n < 0x100000000n ? [0xce, 4] : [0xcf, 8];
  return Buffer.from([first, ...Buffer.from(n.toString(16).padStart(2 * width, "0"), "hex")]);
}

function binary(data) {
  const head = data.length < 0x100 ? [0xc4, data.length] : [0xc5, data.length >> 8, data.length & 0xff];
  return Buffer.concat([Buffer.from(head), data]);
}

function frame(type, stream, sequence, attempt, envelope) {
  const numbers = [1, type, stream, sequence, attempt].map(unsigned);
  return Buffer.concat([Buffer.from([0x96]), ...numbers, envelope === null ? Buffer.from([0xc0]) : binary(envelope)]);
}

function unframe(data) {
  const [, type, stream, sequence, attempt, envelope] = versioned(read(data, 2), 6);
  for (const part of [type, stream, sequence, attempt]) if (part.t !== "int" || part.v < 0n) throw new Error("no number");
  if (type.v !== DATA && type.v !== LINK_ACK) throw new Error("no frame of this variant");
  if (envelope.t !== (type.v === DATA ? "bin" : "nil")) throw new Error("no envelope, or one too many");
  return { type: type.v, stream: Number(stream.v), sequence: Number(sequence.v), mark: attempt.v, envelope: envelope.raw };
}

// --- the endpoint

class StopAndWait {
  constructor({ rto_s: rto, backoff = 2, max_sends: maxSends = 5 }) {
    this.rtos = Array.from({ length: maxSends }, (_, k) => rto * backoff ** k);
    this.lines = new Map();
    this.settings = 0;
    this.datagrams = [];
    this.events = [];
  }

  line(peer, stream) {
    const key = JSON.stringify([peer, stream]);
    if (!this.lines.has(key)) {
      this.lines.set(key, { queue: [], attempt: 0, due: Infinity, setting: 0, highest: [-1, 0], repeats: new Map() });
    }
    return this.lines.get(key);
  }

  command({ type, ...send }, now) {
    if (type !== "send") return false;
    const line = this.line(send.peer, send.stream);
    line.queue.push(send);
    if (line.queue.length === 1) this.transmit(line, now);
    return true;
  }

  transmit(line, now) {
    const [{ peer, data, kind, stream, epoch, sequence }] = line.queue;
    line.due = now + this.rtos[line.attempt++];
    line.setting = ++this.settings;
    const attempt = line.attempt;
    const mark = (BigInt(epoch) << 32n) | BigInt(attempt);
    this.send(peer, frame(0, stream, sequence, mark, Buffer.from(data, "base64")), { kind, stream, epoch, sequence, attempt, copy: 0 });
  }

  send(peer, data, label) {
    this.datagrams.push({ data: data.toString("base64"), peer, ...label });
  }

  receive(data, peer, now) {
    let said;
    try {
      said = unframe(data);
    } catch (error) {
      this.events.push({ type: "malformed", peer, detail: error.message });
      return;
    }
    const line = this.line(peer, said.stream);
    if (said.type === DATA) this.answer(line, said, peer);
    else if (this.waitsFor(line.queue[0], said)) this.finish(line, "acknowledged", now);
  }

  waitsFor(head, { sequence, mark }) {
    return head !== undefined && head.sequence === sequence && BigInt(head.epoch) === mark >> 32n;
  }

  answer(line, { stream, sequence, mark, envelope }, peer) {
    const [seen, seenMark] = line.highest;
    let copy = 0;
    if (sequence > seen || (sequence === seen && mark > seenMark)) line.highest = [sequence, mark];
    else copy = this.again(line.repeats, `${sequence}/${mark}`);
    const label = { kind: "link-ack", stream, epoch: Number(mark >> 32n), sequence, attempt: Number(mark & 0xffffn), copy };
    this.send(peer, frame(1, stream, sequence, mark, null), label);
    this.events.push({ type: "received", peer, data: Buffer.from(envelope).toString("base64") });
  }

  again(repeats, key) {
    const count = (repeats.get(key) ?? 0) + 1;
    repeats.delete(key);
    repeats.set(key, count);
    if (repeats.size > 1024) repeats.delete(repeats.keys().next().value);
    return (count * 256) & 0xffff;
  }

  finish(line, type, now) {
    const { peer, stream, sequence } = line.queue.shift();
    this.events.push({ type, peer, stream, sequence, attempts: line.attempt });
    line.due = Infinity;
    line.attempt = 0;
    if (line.queue.length > 0) this.transmit(line, now);
  }

  next() {
    const waiting = [...this.lines.values()].filter((line) => line.due < Infinity);
    return waiting.sort((a, b) => a.due - b.due || a.setting - b.setting)[0];
  }

  timer(now) {
    for (let line = this.next(); line && line.due <= now; line = this.next()) {
      if (line.attempt < this.rtos.length) this.transmit(line, now);
      else this.finish(line, "gave_up", now);
    }
  }

  outputs() {
    const out = { datagrams: this.datagrams, events: this.events, next_timer: this.next()?.due ?? null };
    [this.datagrams, this.events] = [[], []];
    return out;
  }
}

// --- the lines

let endpoint = null;

function answer(body) {
  if (body.type === "init") {
    if (!(body.config?.rto_s > 0)) return { type: "error", code: 12, text: "config.rto_s must be above 0" };
    endpoint = new StopAndWait(body.config);
    return { type: "init_ok" };
  }
  if (!["receive", "command", "timer"].includes(body.type)) return { type: "error", code: 10, text: `no request ${body.type}` };
  if (endpoint === null) return { type: "error", code: 12, text: "the first request is init" };
  if (body.type === "receive") endpoint.receive(Buffer.from(body.data, "base64"), body.peer, body.now);
  else if (body.type === "timer") endpoint.timer(body.now);
  else if (!endpoint.command(body.command, body.now)) return { type: "error", code: 10, text: `no command ${body.command.type}` };
  return { type: "outputs", ...endpoint.outputs() };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { src, dest, body } = JSON.parse(line);
  const said = { ...answer(body), in_reply_to: body.msg_id };
  process.stdout.write(`${JSON.stringify({ src: dest, dest: src, body: said })}\n`);
}
