/**
 * Locks of flock(2): they belong to open file descriptions, so two descriptions of one file in one process can be in
 * each other's way. Locks held by other processes of the host are not seen.
 */
import type { OpenFile } from './open-file.js';

export class FlockTable {
  private readonly holders = new Map<string, Map<OpenFile, 'shared' | 'exclusive'>>();

  /** Takes or converts the lock of `file` on the file called `key`; false when another description is in the way. */
  lock(key: string, file: OpenFile, kind: 'shared' | 'exclusive'): boolean {
    const holders = this.live(key);
    for (const [other, held] of holders) {
      if (other !== file && (kind === 'exclusive' || held === 'exclusive')) return false;
    }
    holders.set(file, kind);
    this.holders.set(key, holders);
    return true;
  }

  unlock(key: string, file: OpenFile): void {
    this.holders.get(key)?.delete(file);
  }

  /** Closing the last descriptor gives a lock up, so released descriptions are swept when someone looks. */
  private live(key: string): Map<OpenFile, 'shared' | 'exclusive'> {
    const holders = this.holders.get(key) ?? new Map<OpenFile, 'shared' | 'exclusive'>();
    for (const file of holders.keys()) if (file.references === 0) holders.delete(file);
    return holders;
  }
}
