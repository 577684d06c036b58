/**
 * The host's terminal as the guest sees it. Its settings are the guest's own: the host terminal is never changed (Node
 * has no tcsetattr), a program that switches echo off sees that it did, and the user still sees what is typed. The
 * window size is an option, 24 by 80 by default, so that output does not depend on the window it ran in.
 */
import { Errno } from '../abi/errno.js';
import { Ioctl } from '../abi/ioctl.js';
import { HostStream } from './host-stream.js';
import type { Task } from './task.js';

/** struct termios as TCGETS knows it: four flag words, c_line, c_cc[19]. */
const TERMIOS_BYTES = 36;
/** struct termios2: the same and two speeds. */
const TERMIOS2_BYTES = 44;

const B38400 = 38_400;

/** What `stty sane` leaves: echo, canonical input, ^C, utf-8. */
const SANE = Uint32Array.of(0x4500, 0x5, 0xbf, 0x8a3b);
const SANE_CC = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0];

export interface WindowSize {
  rows: number;
  columns: number;
}

export const DEFAULT_WINDOW: Readonly<WindowSize> = { rows: 24, columns: 80 };

/** Settings shared by every descriptor of one terminal. */
export class TerminalState {
  readonly termios = new Uint8Array(TERMIOS2_BYTES);
  readonly window: WindowSize;

  constructor(window: Readonly<WindowSize> = DEFAULT_WINDOW) {
    this.window = { ...window };
    const view = new DataView(this.termios.buffer);
    SANE.forEach((word, index) => {
      view.setUint32(index * 4, word, true);
    });
    this.termios.set(SANE_CC, 17);
    view.setUint32(36, B38400, true);
    view.setUint32(40, B38400, true);
  }
}

export class Terminal extends HostStream {
  private readonly state: TerminalState;

  constructor(path: string, flags: number, hostFd: number, state: TerminalState, isOwned = false) {
    super(path, flags, hostFd, isOwned);
    this.state = state;
  }

  override ioctl(task: Task, request: number, argument: number): number {
    switch (request) {
      case Ioctl.TCGETS:
        return this.getTermios(task, argument, TERMIOS_BYTES);
      case Ioctl.TCGETS2:
        return this.getTermios(task, argument, TERMIOS2_BYTES);
      case Ioctl.TCSETS:
      case Ioctl.TCSETSW:
      case Ioctl.TCSETSF:
        return this.setTermios(task, argument, TERMIOS_BYTES);
      case Ioctl.TCSETS2:
      case Ioctl.TCSETSW2:
      case Ioctl.TCSETSF2:
        return this.setTermios(task, argument, TERMIOS2_BYTES);
      case Ioctl.TIOCGWINSZ:
        return this.getWindow(task, argument);
      case Ioctl.TIOCSWINSZ:
        return this.setWindow(task, argument);
      default:
        return this.controlIoctl(task, request, argument);
    }
  }

  /** Requests that answer one number, and those that need no effect here. */
  private controlIoctl(task: Task, request: number, argument: number): number {
    switch (request) {
      case Ioctl.TIOCGPGRP:
        return answer(task, argument, task.group.identity.pgid);
      case Ioctl.TIOCGSID:
        return answer(task, argument, task.group.identity.sid);
      case Ioctl.FIONREAD:
        return answer(task, argument, this.knownBytes);
      case Ioctl.TIOCOUTQ:
      case Ioctl.TIOCGETD:
        return answer(task, argument, 0);
      case Ioctl.TIOCSPGRP:
        return task.memory.readU32(argument) === undefined ? -Errno.EFAULT : 0;
      case Ioctl.TCSBRK:
      case Ioctl.TCSBRKP:
      case Ioctl.TCXONC:
      case Ioctl.TCFLSH:
      case Ioctl.TIOCSCTTY:
      case Ioctl.TIOCNOTTY:
      case Ioctl.TIOCEXCL:
      case Ioctl.TIOCNXCL:
        return 0;
      default:
        return -Errno.ENOTTY;
    }
  }

  private getTermios(task: Task, address: number, size: number): number {
    return task.memory.write(address, this.state.termios.subarray(0, size)) ? 0 : -Errno.EFAULT;
  }

  private setTermios(task: Task, address: number, size: number): number {
    const bytes = task.memory.readable(address, size);
    if (bytes === undefined) return -Errno.EFAULT;
    this.state.termios.set(bytes);
    return 0;
  }

  private getWindow(task: Task, address: number): number {
    const { rows, columns } = this.state.window;
    return task.memory.write(address, Uint8Array.of(rows, rows >> 8, columns, columns >> 8, 0, 0, 0, 0))
      ? 0
      : -Errno.EFAULT;
  }

  private setWindow(task: Task, address: number): number {
    const bytes = task.memory.readable(address, 8);
    if (bytes === undefined) return -Errno.EFAULT;
    this.state.window.rows = bytes[0] | (bytes[1] << 8);
    this.state.window.columns = bytes[2] | (bytes[3] << 8);
    return 0;
  }
}

const answer = (task: Task, address: number, value: number): number =>
  task.memory.writeU32(address, value) ? 0 : -Errno.EFAULT;
