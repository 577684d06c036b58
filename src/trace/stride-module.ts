/** The module of the encoder's hot loops, and its instance over the encoder memory. */
import type { FunctionRef } from '../wasm/function-builder.js';
import { ModuleBuilder } from '../wasm/module-builder.js';
import { I32 } from '../wasm/opcode.js';
import type { EncoderMemory } from './encoder-memory.js';
import { writeMiss, writePut, writeResolve } from './stride-functions.js';
import { LoopWriter, PARAMETERS } from './stride-loop.js';
import type { StrideHost, StrideLoops } from './stride-state.js';

const writeModule = (pages: number, isShared: boolean): Uint8Array<ArrayBuffer> => {
  const module = new ModuleBuilder();
  module.importMemory('host', 'memory', pages, pages, isShared);
  const type = (parameters: number, results: number): number =>
    module.type(Array(parameters).fill(I32), Array(results).fill(I32));
  const imported = (name: keyof StrideHost, parameters: number, results: number): FunctionRef =>
    module.importFunction('host', name, type(parameters, results));
  const host = {
    intern: imported('intern', 2, 1),
    adjust: imported('adjust', 3, 0),
    settle: imported('settle', 3, 1),
    settleFull: imported('settleFull', 5, 1),
  };
  const put = module.declare(type(2, 1));
  module.define(put, writePut());
  const miss = module.declare(type(6, 0));
  module.define(miss, writeMiss(put));
  const resolve = module.declare(type(5, 1));
  module.define(resolve, writeResolve(host.intern));
  for (const name of ['full', 'compact'] as const) {
    const loop = module.declare(type(PARAMETERS, 0));
    module.define(loop, new LoopWriter({ ...host, miss, resolve }, name === 'compact').write());
    module.exportFunction(name, loop);
  }
  return module.finish();
};

/** The loops over `memory`, calling `host` for the rare cases. */
export const makeStrideLoops = ({ memory }: EncoderMemory, host: StrideHost): StrideLoops => {
  const pages = memory.buffer.byteLength / 65536;
  const module = new WebAssembly.Module(writeModule(pages, memory.buffer instanceof SharedArrayBuffer));
  const imports = {
    memory,
    intern: (site: number, target: number) => host.intern(site, target),
    adjust: (site: number, top: number, target: number) => host.adjust(site, top, target),
    settle: (event: number, row: number, depth: number) => host.settle(event, row, depth),
    settleFull: (event: number, row: number, depth: number, recorded: number, target: number) =>
      host.settleFull(event, row, depth, recorded, target),
  };
  return new WebAssembly.Instance(module, { host: imports }).exports as unknown as StrideLoops;
};
