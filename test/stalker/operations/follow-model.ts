/**
 * What one follow holds and records. A recorded event is a text that begins with its position: of EXEC, CALL and RET that
 * of the step, of BLOCK and COMPILE that of the step they come before.
 */
import { EventKind } from '../../../src/events/event.js';
import { FrameModel } from './frame-model.js';
import type { Follow, Operation } from './operation.js';
import type { BlockShape, Step } from './reference.js';
import { TranslationModel } from './translation-model.js';

const { CALL, RET, EXEC, BLOCK, COMPILE } = EventKind;

export class FollowModel {
  readonly events: string[] = [];
  readonly translations: TranslationModel;
  /** Whether the thread has entered a block of it. */
  hasRun = false;
  private readonly follow: Follow;
  private readonly shapes: ReadonlyMap<number, BlockShape>;
  private readonly frames: FrameModel;
  private lastExec: number | undefined;

  constructor(follow: Follow, steps: readonly Step[], shapes: ReadonlyMap<number, BlockShape>) {
    this.follow = follow;
    this.shapes = shapes;
    this.frames = new FrameModel(follow.profile, steps);
    this.translations = new TranslationModel(shapes);
  }

  get id(): number {
    return this.follow.id;
  }

  private get isGum(): boolean {
    return this.follow.profile === 'gum';
  }

  /** EXEC, and CALL or RET; `gum` leaves out an EXEC at the place of the one before, and BX is no return there. */
  step(step: Step, at: number): void {
    const { location, transfer, isBx } = step;
    if (!this.isGum || this.lastExec !== location) this.record(EXEC, `${at} exec ${location}`);
    this.lastExec = location;
    this.frames.leave(step, at);
    if (transfer === undefined || (this.isGum && isBx)) return;
    const { kind, target } = transfer;
    const name = kind === CALL ? 'call' : 'ret';
    this.record(kind === CALL ? CALL : RET, `${at} ${name} ${location} ${target} ${this.frames.depth}`);
  }

  /** A call that is not excluded. */
  push(step: Step): void {
    this.frames.push(step);
  }

  block(start: number, at: number): void {
    this.record(BLOCK, `${at} block ${start} ${this.shapes.get(start)?.end}`);
  }

  compile(start: number, at: number): void {
    this.record(COMPILE, `${at} compile ${start} ${this.shapes.get(start)?.end}`);
  }

  /** What is asked of its translations. */
  apply({ kind, at, blocks = [], range }: Operation): void {
    const { translations } = this;
    if (range !== undefined) translations.invalidateRange(...range);
    for (const block of blocks) {
      if (kind === 'invalidate') translations.invalidate(block);
      const isMade = kind === 'recompile' ? translations.isKnown(block) : !translations.isValid(block);
      if (kind === 'invalidate' || !isMade) continue;
      translations.translated(block);
      this.compile(block, at);
    }
  }

  private record(kind: number, text: string): void {
    if ((this.follow.mask & kind) !== 0) this.events.push(text);
  }
}
