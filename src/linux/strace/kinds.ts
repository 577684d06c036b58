/** The argument-kind column of the system call table, parsed once per row. The grammar stands in linux/strace. */

/** When an argument is read: as the call starts, when it is over, or at both moments. */
export type Direction = 'in' | 'out' | 'inout';

export interface ArgumentKind {
  readonly kind: string;
  readonly direction: Direction;
  /** The modifier naming a length: an argument register, or the call's result. */
  readonly length: number | 'ret' | undefined;
  /** Printed as `label=`, empty for none. */
  readonly label: string;
  /** First register of the argument, 0 for r0. */
  readonly register: number;
}

export interface CallKinds {
  readonly arguments: readonly ArgumentKind[];
  readonly result: string;
}

const ITEM = /^(?:(\w+)=)?(\*?\w+)((?::\w+)*)(?:@(\d))?$/;

const width = (kind: string): number => (kind === 'off64' || kind === 'off64hl' ? 2 : 1);

const parseLength = (modifiers: readonly string[]): number | 'ret' | undefined => {
  const word = modifiers.find((m) => m === 'ret' || /^a?\d$/.test(m));
  if (word === undefined) return undefined;
  return word === 'ret' ? 'ret' : Number(word.replace('a', ''));
};

const parseDirection = (modifiers: readonly string[]): Direction =>
  modifiers.includes('inout') ? 'inout' : modifiers.includes('out') ? 'out' : 'in';

/** Throws an Error on a word outside the grammar: a bug in a table row, met by the table's test. */
export const parseKinds = (text: string): CallKinds => {
  const [list = '', result = 'i32'] = text.split('->').map((part) => part.trim());
  const kinds: ArgumentKind[] = [];
  let next = 0;
  for (const item of list.split(/\s+/).filter((word) => word !== '')) {
    const match = ITEM.exec(item);
    if (match === null) throw new Error(`argument kind ${JSON.stringify(item)} in ${JSON.stringify(text)}`);
    const [, label = '', kind = '', modifierText = '', at] = match;
    const register = at === undefined ? next : Number(at);
    next = register + width(kind);
    if (kind === 'pad') continue;
    const modifiers = modifierText.split(':').filter((m) => m !== '');
    kinds.push({ kind, label, register, direction: parseDirection(modifiers), length: parseLength(modifiers) });
  }
  return { arguments: kinds, result };
};
