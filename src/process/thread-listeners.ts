/** Who hears of threads that come, go and change their names. */
import type { Thread } from './thread.js';

export interface ThreadListener {
  /** It exists and has not run yet. */
  added?(thread: Thread): void;
  /** It is about to go; nothing of it is delivered or dropped yet. */
  removed?(thread: Thread): void;
  renamed?(thread: Thread, previousName: string): void;
}

export class ThreadListeners implements Required<ThreadListener> {
  private readonly all = new Set<ThreadListener>();

  /** Gives the function that ends it. */
  add(listener: ThreadListener): () => void {
    this.all.add(listener);
    return () => void this.all.delete(listener);
  }

  added(thread: Thread): void {
    for (const listener of [...this.all]) listener.added?.(thread);
  }

  removed(thread: Thread): void {
    for (const listener of [...this.all]) listener.removed?.(thread);
  }

  renamed(thread: Thread, previousName: string): void {
    for (const listener of [...this.all]) listener.renamed?.(thread, previousName);
  }
}
