/**
 * Runs a piece of assembly under the Stalker with nothing around it: no ELF, no kernel. The code is assembled by
 * arm-linux-gnueabihf-as, placed at BASE and called once; it ends when it returns to STOP, which executes SVC.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeRecord, type EventBatch, type StalkerEvent } from '../../src/events/ring.js';
import type { EventSink } from '../../src/events/sink.js';
import { Word } from '../../src/guest/cpu-state.js';
import { GuestMemory, Permission } from '../../src/guest/memory.js';
import { ExitReason } from '../../src/ir/terminal.js';
import type { Profile } from '../../src/stalker/options.js';
import { Stalker } from '../../src/stalker/stalker.js';
import type { Tier, TierOptions } from '../../src/stalker/tiering.js';
import type { Transformer } from '../../src/stalker/transformer.js';

export const BASE = 0x1_0000;
export const STOP = 0x2_0000;
export const STACK_TOP = 0x8_0000;
export const TID = 1;

const assembled = new Map<string, Uint8Array>();

/** Machine code of `source` (unified syntax) linked at BASE. */
export const assemble = (source: string): Uint8Array => {
  const known = assembled.get(source);
  if (known !== undefined) return known;
  const dir = mkdtempSync(join(tmpdir(), 'armstalk-as-'));
  try {
    writeFileSync(join(dir, 'a.s'), `.syntax unified\n.arch armv7-a\n.fpu vfpv4\n${source}\n`);
    execFileSync('arm-linux-gnueabihf-as', ['-o', join(dir, 'a.o'), join(dir, 'a.s')]);
    execFileSync(
      'arm-linux-gnueabihf-ld',
      ['-Ttext', `0x${BASE.toString(16)}`, '-e', '0', '-o', join(dir, 'a'), join(dir, 'a.o')],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    execFileSync('arm-linux-gnueabihf-objcopy', ['-O', 'binary', '-j', '.text', join(dir, 'a'), join(dir, 'a.bin')]);
    const bytes = new Uint8Array(readFileSync(join(dir, 'a.bin')));
    assembled.set(source, bytes);
    return bytes;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};

/** Keeps every event, decoded. */
export class CollectingSink implements EventSink {
  readonly mask: number;
  readonly events: StalkerEvent[] = [];
  started = 0;
  stopped = 0;

  constructor(mask: number) {
    this.mask = mask;
  }

  start(): void {
    this.started++;
  }

  process(batch: EventBatch): void {
    for (let i = 0; i < batch.count; i++) this.events.push(decodeRecord(batch, i));
  }

  stop(): void {
    this.stopped++;
  }
}

export interface GuestOptions {
  readonly events?: number;
  readonly profile?: Profile;
  readonly thumb?: boolean;
  readonly transformer?: Transformer;
  readonly fuel?: number;
  /** ARMSTALK_TIER, or promotion at the second entry, when left out. */
  readonly tier?: TierOptions;
}

/** A guest with one thread, its code loaded, ready to be called. */
export class GuestCode {
  readonly memory = new GuestMemory();
  readonly stalker: Stalker;
  readonly sink: CollectingSink;
  readonly thumb: boolean;
  readonly words: Int32Array;
  private readonly fuel: number;

  constructor(source: string, options: GuestOptions = {}) {
    this.thumb = options.thumb ?? false;
    this.fuel = options.fuel ?? 1_000_000;
    const tier = { tier: (process.env.ARMSTALK_TIER as Tier) ?? 'auto', hotThreshold: 2 };
    this.stalker = new Stalker(this.memory, options.tier ?? tier);
    this.words = this.stalker.machine.words;
    const all = Permission.READ | Permission.WRITE | Permission.EXECUTE;
    this.memory.setPermissions(BASE, 0x1_0000, all);
    this.memory.setPermissions(STOP, 0x1000, all);
    this.memory.setPermissions(STACK_TOP - 0x4_0000, 0x4_0000, Permission.READ | Permission.WRITE);
    this.memory.poke(BASE, assemble(`${this.thumb ? '.thumb' : '.arm'}\n${source}`));
    this.memory.poke(STOP, Uint8Array.of(0, 0, 0, 0xef));
    this.sink = new CollectingSink(options.events ?? 0);
    this.stalker.followNewThreads = {
      profile: options.profile ?? 'precise',
      events: this.sink.mask,
      sink: this.sink,
      ...(options.transformer === undefined ? {} : { transformer: options.transformer }),
    };
    this.stalker.addThread(TID);
    this.stalker.switchTo(TID);
  }

  /** Calls the code with these arguments and returns r0. `at` is an offset from BASE. */
  call(args: readonly number[] = [], at = 0): number {
    const w = this.words;
    args.forEach((value, n) => {
      w[n] = value;
    });
    w[Word.SP] = STACK_TOP;
    w[Word.LR] = STOP;
    w[Word.PC] = BASE + at;
    w[Word.THUMB] = this.thumb ? 1 : 0;
    w[Word.ITSTATE] = 0;
    const reason = this.run();
    if (reason !== ExitReason.SVC) {
      throw new Error(`guest stopped with reason ${reason} at 0x${((w[Word.PC] as number) >>> 0).toString(16)}`);
    }
    return w[0] as number;
  }

  setRegister(n: number, value: number): void {
    this.words[n] = value;
  }

  /** Runs until something other than fuel stops it. */
  run(): number {
    for (;;) {
      const reason = this.stalker.run(this.fuel);
      if (reason !== ExitReason.YIELD) {
        this.stalker.drain();
        return reason;
      }
    }
  }

  /** The events as short text: `call +4 -> +10 d1`, addresses relative to BASE. */
  text(): string[] {
    const at = (address: number): string => (address >= STOP ? 'stop' : `+${(address - BASE).toString(16)}`);
    return this.sink.events.map(({ kind, location, target, depth }) => {
      switch (kind) {
        case 1:
          return `call ${at(location)} -> ${at(target)} d${depth}`;
        case 2:
          return `ret ${at(location)} -> ${at(target)} d${depth}`;
        case 4:
          return `exec ${at(location)}`;
        case 8:
          return `block ${at(location)} ${at(target)}`;
        default:
          return `compile ${at(location)} ${at(target)}`;
      }
    });
  }
}
