import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export type Demangler = (name: string) => string;

const PACKAGE = 'gecko-profiler-demangle';
/** Itanium C++ (`_Z`, with one more `_` on some platforms) and Rust v0 (`_R`); Rust's older names look like C++. */
const MANGLED = /^_{1,3}[ZR]/;
const MAX_NAME_LENGTH = 4096;
const MAX_KEPT = 1 << 16;

interface Glue {
  demangle_any(name: string): string;
  __wbg_set_wasm(exports: WebAssembly.Exports): void;
}

let loaded: Promise<Demangler> | undefined;

/**
 * A function that makes C++ and Rust names readable and leaves all others alone. Loaded when first asked for: half a
 * megabyte of WebAssembly (gecko-profiler-demangle: cpp_demangle and rustc-demangle, as in the Firefox Profiler).
 */
export const loadDemangler = (): Promise<Demangler> => {
  loaded ??= load();
  return loaded;
};

/** The package's own entry is for bundlers; its module and glue are put together here as Node needs it. */
const load = async (): Promise<Demangler> => {
  const require = createRequire(import.meta.url);
  // @ts-expect-error The package describes its entry only. Named in full, so that a bundle takes the glue in.
  const glue: Glue = await import('gecko-profiler-demangle/index_bg.js');
  const bytes = readFileSync(require.resolve(`${PACKAGE}/index_bg.wasm`));
  const { instance } = await WebAssembly.instantiate(bytes, {
    './index_bg.js': glue as unknown as WebAssembly.ModuleImports,
  });
  glue.__wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();
  return kept((name) => glue.demangle_any(name));
};

/** Each name is worked out once; a name the library gives up on stays as it is. */
const kept = (demangle: Demangler): Demangler => {
  const known = new Map<string, string>();
  return (name) => {
    if (!MANGLED.test(name) || name.length > MAX_NAME_LENGTH) return name;
    let readable = known.get(name);
    if (readable === undefined) {
      readable = attempt(demangle, name);
      if (known.size >= MAX_KEPT) known.clear();
      known.set(name, readable);
    }
    return readable;
  };
};

const attempt = (demangle: Demangler, name: string): string => {
  try {
    const readable = demangle(name);
    return readable === '' || name.endsWith(readable) ? name : readable;
  } catch {
    return name;
  }
};
