import { hex } from '../bits.js';
import { EventKind, type ModuleNote } from '../events/event.js';
import type { EdgeColumns } from '../trace/event-columns.js';
import type { FunctionInfo, Place, TraceSymbols } from './symbolize.js';

/** When places of two traces are the same: by symbol and distance from it, by offset in the module, or by address. */
export type PlaceMatch = 'symbol' | 'offset' | 'addr';

/** Places told apart at most; a hostile trace can name no more, the rest are all the same. */
const MAX_PLACES = 1 << 22;
const MAX_PAIRS = 1 << 22;
const PAIR = 2 ** 26;
/** Instead of an edge's number: what happens in a veneer is no difference, but it did happen. */
export const PASSED = -1;

/** Numbers things by name for both traces: equal numbers, equal things. Numbers count from 1. */
export class SharedNames {
  private readonly byName = new Map<string | number, number>();
  private readonly pairs = new Map<number, number>();
  private readonly labels = new Map<number, string>();

  number(name: string | number): number {
    let id = this.byName.get(name);
    if (id === undefined) {
      id = Math.min(this.byName.size + 1, MAX_PLACES);
      if (id < MAX_PLACES) this.byName.set(name, id);
    }
    return id;
  }

  pair(first: number, second: number): number {
    const key = first * PAIR + second;
    let id = this.pairs.get(key);
    if (id === undefined) {
      id = Math.min(this.pairs.size + 1, MAX_PAIRS);
      if (id < MAX_PAIRS) this.pairs.set(key, id);
    }
    return id;
  }

  /** Gives a thing the words it is shown with; the first ones stay. */
  setLabel(id: number, label: string): void {
    if (!this.labels.has(id)) this.labels.set(id, label);
  }

  label(id: number): string {
    return this.labels.get(id) ?? '(others)';
  }
}

/** The places of one trace as numbers both traces share. */
export class FlowKeys {
  private readonly names: SharedNames;
  private readonly symbols: TraceSymbols;
  private readonly match: PlaceMatch;
  private mainModule: string | undefined;
  private readonly places = new Map<number, number>();
  private readonly callees = new Map<number, number>();
  private readonly functions = new Map<number, number>();

  constructor(names: SharedNames, symbols: TraceSymbols, match: PlaceMatch) {
    this.names = names;
    this.symbols = symbols;
    this.match = match;
  }

  /** The first module is the program, and matches the other trace's program under whatever name. */
  addModule(note: ModuleNote): void {
    this.mainModule ??= note.name;
    this.places.clear();
    this.callees.clear();
    this.functions.clear();
  }

  place(address: number): number {
    const start = (address & ~1) >>> 0;
    let id = this.places.get(start);
    if (id === undefined) {
      id = this.names.number(this.placeName(start));
      if (this.places.size < MAX_PLACES) this.places.set(start, id);
    }
    return id;
  }

  /** Where a call to `address` leads; by way of a veneer or not is no difference, except by address. */
  private callee(address: number): number {
    if (this.match === 'addr') return this.place(address);
    const start = (address & ~1) >>> 0;
    let id = this.callees.get(start);
    if (id === undefined) {
      id = this.names.number(this.nameOf(this.symbols.callee(start)));
      if (this.callees.size < MAX_PLACES) this.callees.set(start, id);
    }
    return id;
  }

  /** The function at `address`, which is its entry or any place in it. */
  function(address: number): number {
    const start = (address & ~1) >>> 0;
    let id = this.functions.get(start);
    if (id === undefined) {
      id = this.names.number(this.functionName(start));
      this.names.setLabel(id, functionLabel(this.symbols.functionAt(start)));
      if (this.functions.size < MAX_PLACES) this.functions.set(start, id);
    }
    return id;
  }

  /** What an edge is, target of returns and end of blocks aside; 0 for kinds that are not in `mask`, PASSED in veneers. */
  edge(edges: EdgeColumns, edge: number, mask: number): number {
    const kind = edges.kind[edge] as number;
    const type = kind & 31;
    if ((type & mask) === 0) return 0;
    const at = edges.location[edge] as number;
    const location = this.place(at) * 5;
    if (type === EventKind.CALL) return this.names.pair(location, this.callee(edges.target[edge] as number));
    if (type !== EventKind.RET && this.match !== 'addr' && this.symbols.isHidden(at)) return PASSED;
    return this.names.pair(location + KIND_INDEX[type], 0);
  }

  private placeName(start: number): string | number {
    return this.match === 'addr' ? start : this.nameOf(this.symbols.place(start));
  }

  private nameOf({ module, offset, symbol, symbolOffset }: Place): string {
    const role = module === this.mainModule ? '' : module;
    return this.match === 'offset' ? `${role}!${offset}` : `${role}!${symbol}+${symbolOffset}`;
  }

  private functionName(start: number): string {
    const { module, offset, symbol } = this.symbols.functionAt(start);
    const role = module === this.mainModule ? '' : module;
    return this.match === 'symbol' ? `${role}!${symbol}()` : `${role}!${offset}()`;
  }
}

/** `main`, or `libc.so!0x2340` where there is no symbol. */
export const functionLabel = ({ symbol, module, offset }: FunctionInfo): string =>
  symbol === hex(offset) && module !== '' ? `${module}!${symbol}` : symbol;

/** Small numbers for the kinds, CALL being 0. */
const KIND_INDEX: Readonly<Record<number, number>> = {
  [EventKind.RET]: 1,
  [EventKind.EXEC]: 2,
  [EventKind.BLOCK]: 3,
  [EventKind.COMPILE]: 4,
};
