/** What the kernel does for a task that ends while others go on (mm_release, exit_robust_list). */
import {
  FUTEX_BITSET_MATCH_ANY,
  FUTEX_OWNER_DIED,
  FUTEX_TID_MASK,
  FUTEX_WAITERS,
  ROBUST_LIST_LIMIT,
} from './abi/constants.js';
import type { Task } from './kernel/task.js';
import { handOver } from './syscalls/futex.js';

/** Marks robust futexes the task holds as orphaned, then clears and wakes its clear_child_tid word. */
export const releaseTask = (task: Task): void => {
  if (task.robustList !== 0) walkRobustList(task, task.robustList >>> 0);
  const addr = task.clearChildTid >>> 0;
  if (addr === 0) return;
  task.clearChildTid = 0;
  if (task.memory.writeU32(addr, 0)) task.group.futexes.wake(addr, 1, FUTEX_BITSET_MATCH_ANY);
};

/** struct robust_list_head { next; long futex_offset; list_op_pending }; bit 0 of an entry says priority inheritance. */
const walkRobustList = (task: Task, head: number): void => {
  const { memory } = task;
  const offset = memory.readU32(head + 4);
  const pending = memory.readU32(head + 8);
  if (offset === undefined || pending === undefined) return;
  let entry = memory.readU32(head);
  for (let n = 0; entry !== undefined && addressOf(entry) !== head && n < ROBUST_LIST_LIMIT; n++) {
    const next = memory.readU32(addressOf(entry));
    if (addressOf(entry) !== addressOf(pending)) orphan(task, entry, offset, false);
    entry = next;
  }
  if (addressOf(pending) !== 0) orphan(task, pending, offset, true);
};

const addressOf = (entry: number): number => (entry & ~1) >>> 0;

const orphan = (task: Task, entry: number, offset: number, isPending: boolean): void => {
  const { memory } = task;
  const { futexes } = task.group;
  const addr = (addressOf(entry) + offset) >>> 0;
  const isPi = (entry & 1) !== 0;
  const word = memory.readU32(addr);
  if (word === undefined || addr % 4 !== 0) return;
  if (isPending && !isPi && word === 0) {
    futexes.wake(addr, 1, FUTEX_BITSET_MATCH_ANY);
    return;
  }
  if ((word & FUTEX_TID_MASK) !== task.tid) return;
  if (isPi) {
    handOver(task, addr, FUTEX_OWNER_DIED);
    return;
  }
  if (!memory.writeU32(addr, ((word & FUTEX_WAITERS) | FUTEX_OWNER_DIED) >>> 0)) return;
  if ((word & FUTEX_WAITERS) !== 0) futexes.wake(addr, 1, FUTEX_BITSET_MATCH_ANY);
};
