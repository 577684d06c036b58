import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
// @ts-expect-error The package describes its entry only. Named in full, so that a bundle takes the glue in.
import * as untypedGlue from 'gecko-profiler-demangle/index_bg.js';

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

const glue = untypedGlue as Glue;
const imports = untypedGlue as unknown as WebAssembly.ModuleImports;

let loaded: Demangler | undefined;

/**
 * Makes a C++ or Rust name readable and leaves all others alone. The first one that needs it loads half a megabyte of
 * WebAssembly (gecko-profiler-demangle: cpp_demangle and rustc-demangle, as in the Firefox Profiler).
 */
export const demangleName: Demangler = (name) => {
  if (!MANGLED.test(name)) return name;
  loaded ??= load();
  return loaded(name);
};

/** `demangleName`, loaded already. */
export const loadDemangler = async (): Promise<Demangler> => {
  loaded ??= load();
  return demangleName;
};

/** The package's own entry is for bundlers; its module and glue are put together here as Node needs it. */
const load = (): Demangler => {
  const require = createRequire(import.meta.url);
  const bytes = readFileSync(require.resolve(`${PACKAGE}/index_bg.wasm`));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { './index_bg.js': imports });
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
