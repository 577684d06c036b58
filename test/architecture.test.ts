import { readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const SRC = new URL('../src', import.meta.url).pathname;

/** Who may import whom; a room not listed here does not exist, an import not listed is forbidden. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  bits: [],
  errors: [],
  ir: ['bits'],
  wasm: ['bits'],
  events: ['bits'],
  guest: ['bits', 'errors'],
  elf: ['bits', 'errors'],
  arm: ['ir', 'bits'],
  interpreter: ['ir', 'guest', 'bits'],
  translator: ['ir', 'guest', 'wasm', 'bits'],
  stalker: ['arm', 'ir', 'interpreter', 'translator', 'guest', 'events', 'bits', 'errors'],
  linux: ['guest', 'events', 'bits', 'errors'],
  process: ['stalker', 'linux', 'elf', 'arm', 'guest', 'events', 'bits', 'errors'],
  trace: ['events', 'wasm', 'bits', 'errors'],
  analysis: ['trace', 'events', 'elf', 'errors', 'bits'],
  // A recording gives its script Frida's words.
  recording: ['frida', 'process', 'stalker', 'trace', 'elf', 'events', 'guest', 'bits', 'errors'],
  // Frida's words for scripts: pointers, modules and the Stalker of the process spawned last.
  frida: ['process', 'stalker', 'elf', 'events', 'guest', 'bits', 'errors'],
  index: ['frida', 'process', 'stalker', 'recording', 'trace', 'analysis', 'elf', 'events', 'guest', 'errors', 'bits'],
  cli: ['index', 'errors'],
  commands: ['index', 'cli'],
};

/** Rooms whose types (nothing else) a room may import besides. */
const MAY_IMPORT_TYPES: Readonly<Record<string, readonly string[]>> = {
  recording: ['linux', 'arm'],
  frida: ['arm'],
};

/**
 * Single files beyond that: the IR's state operations name words of the CPU state, so lifters need its word
 * numbers; a recording tells signals by name; code kept between runs is V8's for one set of flags, which the command
 * line must set before it asks for that code.
 */
const MAY_IMPORT_FILES: Readonly<Record<string, readonly string[]>> = {
  arm: ['guest/cpu-state.ts'],
  recording: ['linux/abi/constants.ts'],
  cli: ['wasm/branch-hints.ts'],
};

interface Import {
  readonly file: string;
  readonly target: string;
  readonly isTypeOnly: boolean;
}

const sourceFiles = (): string[] =>
  readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => resolve(SRC, name));

/** `src/arm/lift/pc.ts` is in room `arm`; `src/bits.ts` is a room of its own. */
const roomOf = (file: string): string => relative(SRC, file).replace(/\.ts$/, '').split('/')[0];

/** Specifiers that only `import type` or `export type` statements name. */
const typeOnlySpecifiers = (text: string, file: string): ReadonlySet<string> => {
  const all = new Map<string, boolean>();
  for (const statement of ts.createSourceFile(file, text, ts.ScriptTarget.ES2022).statements) {
    if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) {
      const specifier = statement.moduleSpecifier;
      if (specifier === undefined || !ts.isStringLiteral(specifier)) continue;
      const isType = ts.isImportDeclaration(statement)
        ? (statement.importClause?.isTypeOnly ?? false)
        : statement.isTypeOnly;
      all.set(specifier.text, (all.get(specifier.text) ?? true) && isType);
    }
  }
  return new Set([...all].filter(([, isType]) => isType).map(([name]) => name));
};

const importsOf = (file: string): Import[] => {
  const text = readFileSync(file, 'utf8');
  const typeOnly = typeOnlySpecifiers(text, file);
  return ts
    .preProcessFile(text)
    .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => ({
      file,
      target: resolve(dirname(file), fileName.replace(/\.js$/, '.ts')),
      isTypeOnly: typeOnly.has(fileName),
    }));
};

const imports = sourceFiles().flatMap(importsOf);
const shown = ({ file, target }: Import): string => `src/${relative(SRC, file)} imports src/${relative(SRC, target)}`;

const isAllowed = ({ file, target, isTypeOnly }: Import): boolean => {
  const [from, to] = [roomOf(file), roomOf(target)];
  const rooms = [from, ...(MAY_IMPORT[from] ?? []), ...(isTypeOnly ? (MAY_IMPORT_TYPES[from] ?? []) : [])];
  return rooms.includes(to) || (MAY_IMPORT_FILES[from] ?? []).includes(relative(SRC, target));
};

/** One cycle among the imports that exist at run time, as the files on it, or undefined. */
const findCycle = (edges: readonly Import[]): string[] | undefined => {
  const targets = new Map<string, string[]>();
  for (const { file, target } of edges) targets.set(file, [...(targets.get(file) ?? []), target]);
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    path.push(file);
    for (const target of targets.get(file) ?? []) {
      const cycle = visit(target);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  return [...targets.keys()].map(visit).find((cycle) => cycle !== undefined);
};

describe('the floor plan', () => {
  test('every source file is in a room of the plan', () => {
    expect(sourceFiles().filter((file) => MAY_IMPORT[roomOf(file)] === undefined)).toEqual([]);
  });

  test('every relative import names a file that exists', () => {
    const files = new Set(sourceFiles());
    expect(imports.filter(({ target }) => !files.has(target) && !target.endsWith('.d.ts')).map(shown)).toEqual([]);
  });

  test('rooms import only what the plan allows', () => {
    expect(imports.filter((one) => !isAllowed(one)).map(shown)).toEqual([]);
  });

  test('there is no import cycle', () => {
    const cycle = findCycle(imports.filter((one) => !one.isTypeOnly));
    expect(cycle?.map((file) => relative(SRC, file)).join(' -> ')).toBeUndefined();
  });

  test('the plan itself has no cycle', () => {
    const edges = Object.entries(MAY_IMPORT).flatMap(([file, rooms]) =>
      rooms.map((target) => ({ file, target, isTypeOnly: false })),
    );
    expect(findCycle(edges)).toBeUndefined();
  });

  test('a forbidden import and a cycle would be noticed', () => {
    const edge = (file: string, target: string): Import => ({
      file: resolve(SRC, file),
      target: resolve(SRC, target),
      isTypeOnly: false,
    });
    expect(isAllowed(edge('ir/block.ts', 'guest/memory.ts'))).toBe(false);
    expect(isAllowed(edge('commands/run.ts', 'process/process.ts'))).toBe(false);
    expect(findCycle([edge('a.ts', 'b.ts'), edge('b.ts', 'a.ts')])).toHaveLength(3);
  });
});
