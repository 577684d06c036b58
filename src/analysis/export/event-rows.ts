import { EventKind } from '../../events/event.js';
import type { Place, TraceSymbols } from '../symbolize.js';

/** The words for event kinds in lists of events. */
export const KIND_NAMES: Readonly<Record<number, string>> = {
  [EventKind.CALL]: 'call',
  [EventKind.RET]: 'ret',
  [EventKind.EXEC]: 'exec',
  [EventKind.BLOCK]: 'block',
  [EventKind.COMPILE]: 'compile',
};

const MAX_KEPT = 1 << 16;

/** An address as text, made once while it keeps coming. */
export class PlaceTexts {
  private readonly symbols: TraceSymbols;
  private readonly render: (address: number, place: Place) => string;
  private readonly texts = new Map<number, string>();
  private readonly callees = new Map<number, string>();

  constructor(symbols: TraceSymbols, render: (address: number, place: Place) => string) {
    this.symbols = symbols;
    this.render = render;
  }

  /** `address` may carry the Thumb bit; the text does not. */
  of(address: number): string {
    return this.kept(this.texts, address, (start) => this.symbols.place(start));
  }

  /** Where a call to `address` leads, behind a veneer. */
  callee(address: number): string {
    return this.kept(this.callees, address, (start) => this.symbols.callee(start));
  }

  /** Symbols or modules have come or gone. */
  forget(): void {
    this.texts.clear();
    this.callees.clear();
  }

  private kept(texts: Map<number, string>, address: number, placeOf: (start: number) => Place): string {
    const start = (address & ~1) >>> 0;
    let text = texts.get(start);
    if (text === undefined) {
      if (texts.size >= MAX_KEPT) texts.clear();
      text = this.render(start, placeOf(start));
      texts.set(start, text);
    }
    return text;
  }
}
