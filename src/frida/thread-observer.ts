/**
 * Frida's thread observer: a script hears of threads as they come, so that it can follow them from their first instruction
 * on. What an observer throws is told and skipped.
 */
import { attached } from './attached.js';

export interface ThreadDetails {
  readonly id: number;
  readonly name: string;
}

/** `onAdded` is called at once for every thread there is. A new thread calls it itself, before its first instruction. */
export interface ThreadObserverCallbacks {
  onAdded?(thread: ThreadDetails): void;
  /** It has run its last instruction, and can still be asked for what was recorded of it. */
  onRemoved?(thread: ThreadDetails): void;
  /** `thread` has its new name. */
  onRenamed?(thread: ThreadDetails, previousName: string | null): void;
}

export interface ThreadObserver {
  detach(): void;
}

const detailsOf = ({ tid, name }: { readonly tid: number; readonly name: string }): ThreadDetails => ({
  id: tid,
  name,
});

export const attachThreadObserver = (callbacks: ThreadObserverCallbacks): ThreadObserver => {
  const { process, engine } = attached();
  let isAttached = true;
  const tell = (callback: keyof ThreadObserverCallbacks, thread: ThreadDetails, previousName: string | null): void => {
    const { [callback]: told } = callbacks;
    if (told === undefined || !isAttached) return;
    engine.callbacks.run('observer', undefined, told, () => told.call(callbacks, thread, previousName));
  };
  const stop = process.threadListeners.add({
    added: (thread) => {
      engine.runOnThread(thread.tid, () => tell('onAdded', detailsOf(thread), null));
    },
    removed: (thread) => tell('onRemoved', detailsOf(thread), null),
    renamed: (thread, previousName) => tell('onRenamed', detailsOf(thread), previousName),
  });
  for (const thread of [...process.group.tasks.values()]) tell('onAdded', detailsOf(thread), null);
  return {
    detach: () => {
      isAttached = false;
      stop();
    },
  };
};
