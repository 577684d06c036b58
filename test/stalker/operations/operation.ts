/** What is applied to a thread, and where it stood then. */
import type { Profile } from '../../../src/stalker/options.js';

type ThreadKind = 'follow' | 'unfollow' | 'activate' | 'deactivate';
type TranslationKind = 'invalidate' | 'recompile' | 'prefetch';

/** What an operation is. */
export interface Asked {
  readonly kind: ThreadKind | TranslationKind | 'exclude' | 'add probe' | 'remove probe';
  /** Of a follow. */
  readonly follow?: Follow;
  /** Of an activation: the entry until which nothing is excluded. */
  readonly target?: number;
  /** Of an exclusion: an entry inside it. */
  readonly entry?: number;
  readonly probe?: Probe;
  /** Starts of the blocks to translate or invalidate. */
  readonly blocks?: readonly number[];
  /** Addresses [from, to) to invalidate. */
  readonly range?: readonly [from: number, to: number];
}

/** Where it came from. */
export interface Operation extends Asked {
  /** Position of the thread when it was applied. */
  readonly at: number;
  /** Start of the thread's block whose callout or probe applied it: what remains of the block is as before. */
  readonly inBlock: number | undefined;
  /** By the probe. */
  readonly inProbe: boolean;
  /** The context is in use: a follow cannot replace it at once. */
  readonly waits: boolean;
  /** Applied while the engine looked for the thread's next block: by a transformer, or a sink that gets the rest. */
  readonly inDispatch: boolean;
  /** Applied by a transformer of the thread's own: of this follow, in this one of its runs. */
  readonly ofFollow: number | undefined;
  readonly pass: number | undefined;
}

export interface Follow {
  readonly id: number;
  readonly mask: number;
  readonly profile: Profile;
}

export interface Probe {
  readonly id: number;
  readonly entry: number;
}

/** Whether it says how the thread is followed: that waits for the end of the block, all else does not. */
export const isOfThread = ({ kind }: Operation): boolean =>
  kind === 'follow' || kind === 'unfollow' || kind === 'activate' || kind === 'deactivate';
