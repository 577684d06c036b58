/** The script of WriterThread's other side. */
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { EventBatch, SiteTable } from '../events/ring.js';
import { type AssembledChunk, type AssemblerCarry, ChunkAssembler } from './chunk-assembler.js';
import { EncoderEngine } from './encoder-engine.js';
import { EncoderMemory } from './encoder-memory.js';
import { pack } from './packet-writer.js';
import { BODY } from './schema.js';
import {
  CONTROL,
  type FinishedChunk,
  HEAD,
  NO_ELSEWHERE,
  type SharedSites,
  SLOTS,
  slotWords,
  TABLES,
  TASK,
  type TaskResult,
  type WriterThreadData,
} from './writer-thread.js';

const { control, heads, memory, port, limits, codec } = workerData as WriterThreadData;

EncoderEngine.use(new EncoderMemory(memory, TABLES));

let flushes: FinishedChunk[][] = [];
let open: FinishedChunk[] = [];

const assembler = new ChunkAssembler(limits, {
  chunk: ({ bytes, ...facts }: AssembledChunk) => {
    open.push({ ...facts, body: pack(codec, BODY.chunk, bytes) ?? bytes.slice() });
  },
  flushed: () => {
    flushes.push(open);
    open = [];
  },
});

let sites: SharedSites | undefined;

const sharedSites = (from: MessagePort): void => {
  for (;;) {
    const message = receiveMessageOnPort(from);
    if (message === undefined) return;
    if ('encoders' in message.message) assembler.takeOver(message.message as AssemblerCarry);
    else sites = message.message as SharedSites;
  }
};

const batchOf = (head: Float64Array, sent: number): EventBatch => {
  const elsewhere = head[HEAD.elsewhere] as number;
  return {
    tid: head[HEAD.tid] as number,
    words: slotWords(memory, sent, head[HEAD.words] as number),
    count: head[HEAD.count] as number,
    sites: { ...sites, count: head[HEAD.sites] } as SiteTable,
    clockBase: head[HEAD.clockBase] as number,
    shadowBase: head[HEAD.shadowBase] as number,
    ...(elsewhere === NO_ELSEWHERE ? {} : { elsewhere }),
  };
};

const carryOut = (head: Float64Array, sent: number): void => {
  const what = head[HEAD.what];
  const tid = head[HEAD.tid] as number;
  if (what === TASK.full) assembler.process(batchOf(head, sent));
  else if (what === TASK.compact) assembler.processCompact({ elsewhere: 0, ...batchOf(head, sent) });
  else if (what === TASK.flush) assembler.flush();
  else if (what === TASK.stop) assembler.stop(tid);
  else if (what === TASK.start) assembler.start(tid);
};

/** How many slots are filled, once they are more than `done`. */
const nextSent = (done: number): number => {
  const sent = Atomics.load(control, CONTROL.sent);
  if (sent !== done) return sent;
  Atomics.store(control, CONTROL.asleep, 1);
  Atomics.wait(control, CONTROL.sent, done);
  Atomics.store(control, CONTROL.asleep, 0);
  return Atomics.load(control, CONTROL.sent);
};

const run = (): void => {
  Atomics.store(control, CONTROL.ready, 1);
  for (let done = 0; ; ) {
    const sent = nextSent(done);
    while (done < sent) {
      const first = (done % SLOTS) * HEAD.fields;
      const head = heads.subarray(first, first + HEAD.fields);
      if (head[HEAD.what] === TASK.end) return;
      done++;
      const sequence = done;
      flushes = [];
      try {
        sharedSites(port);
        carryOut(head, sequence - 1);
        if (flushes.length > 0) port.postMessage({ sequence, flushes } satisfies TaskResult);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        port.postMessage({ sequence, flushes: [], error: text } satisfies TaskResult);
      }
      Atomics.store(control, CONTROL.done, done);
      if (Atomics.load(control, CONTROL.waiting) === 1) Atomics.notify(control, CONTROL.done);
    }
  }
};

run();
