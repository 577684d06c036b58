import type { FloatingOp, PureOp } from '../ir/opcode.js';
import type { FunctionRef } from '../wasm/function-builder.js';
import { ModuleBuilder, type Signature } from '../wasm/module-builder.js';
import { I32 } from '../wasm/opcode.js';
import { REGION_SIGNATURE } from './region-function.js';
import { floatingSignature, type SupportFunction, supportSignatures } from './support-signatures.js';

/** One module under construction: imports functions the first time they are asked for. */
export class ModuleContext {
  readonly builder = new ModuleBuilder();
  readonly regionType: number;
  private readonly imported = new Map<string, FunctionRef>();

  constructor(tableSize: number) {
    this.regionType = this.builder.type(REGION_SIGNATURE.params, REGION_SIGNATURE.results);
    this.builder.importMemory('host', 'memory', 65536, 65536);
    this.builder.importTable('host', 'table', tableSize);
  }

  support(name: SupportFunction): FunctionRef {
    return this.import('support', name, supportSignatures[name]);
  }

  /** The support function that computes a floating op under any FPSCR. */
  floating(op: FloatingOp): FunctionRef {
    return this.import('support', op, floatingSignature(op));
  }

  /** `ir/eval`'s function for a pure op: three arguments and the immediate. */
  evaluation(op: PureOp): FunctionRef {
    return this.import('evaluate', op, { params: [I32, I32, I32, I32], results: [I32] });
  }

  callout(): FunctionRef {
    return this.import('host', 'callout', { params: [I32], results: [] });
  }

  private import(module: string, name: string, { params, results }: Signature): FunctionRef {
    const key = `${module}.${name}`;
    const known = this.imported.get(key);
    if (known !== undefined) return known;
    const ref = this.builder.importFunction(module, name, this.builder.type(params, results));
    this.imported.set(key, ref);
    return ref;
  }
}
