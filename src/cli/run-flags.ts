import { EVENT_WORDS, parseEventList } from '../index.js';
import type { Flags } from './flag.js';
import { LIVE_MODES } from './live.js';
import { assignment, count, durationMs, integer, oneOf, text, trust } from './values.js';

const repeatable = { multiple: true, multipleNonGreedy: true } as const;

export const RUN_FLAGS = {
  output: {
    type: 'option',
    char: 'o',
    helpValue: 'FILE|-',
    read: text,
    summary: 'where the trace goes [default: trace.pb, the one before becomes trace.pb.old]; - is standard output',
  },
  events: {
    type: 'option',
    char: 'e',
    helpValue: 'LIST',
    list: EVENT_WORDS,
    read: parseEventList,
    summary:
      'what to record: compile,call,ret,block,exec,syscall,signal, all or none; +KIND,-KIND change the default ' +
      '(compile,call,ret,syscall,signal); threads and the load map are always recorded; call-summary counts calls only',
  },
  profile: {
    type: 'option',
    options: ['precise', 'gum'],
    read: oneOf('precise', 'gum'),
    default: 'precise',
    summary: "whose rules decide what is a call and a return: the architecture's, or Frida's event for event",
  },
  tier: {
    type: 'option',
    options: ['auto', 'cold', 'hot'],
    read: oneOf('auto', 'cold', 'hot'),
    default: 'auto',
    env: 'ARMSTALK_TIER',
    summary: 'auto: code that is entered often becomes WebAssembly; cold: none does; hot: all does at once',
  },
  'hot-threshold': {
    type: 'option',
    helpValue: 'N',
    read: count,
    env: 'ARMSTALK_HOT_THRESHOLD',
    summary: 'with --tier auto: entries of a block before it becomes WebAssembly [default: 256]',
  },
  'trust-threshold': {
    type: 'option',
    helpValue: 'N',
    read: trust,
    summary:
      "visits after which a block is no longer compared with the program's code [default: 1]; 0: never compared, " +
      '-1: always, as code that rewrites itself needs it under --profile gum',
  },
  exclude: {
    type: 'option',
    helpValue: 'WHAT',
    read: text,
    ...repeatable,
    summary:
      'record calls of these, but not what they do: a function or str*, a module, module!function, or addresses as objdump ' +
      'shows them (0x1040-0x1100, 0x1040+0xc0; @0xRUNTIME-0xRUNTIME)',
  },
  'follow-from': {
    type: 'option',
    helpValue: 'PLACE',
    read: text,
    summary: 'record nothing before some thread reaches this: 0x1040, symbol, symbol+0x10, file.c:42',
  },
  script: {
    type: 'option',
    helpValue: 'FILE',
    read: text,
    summary:
      "load an ES module before the program runs; its default export gets Frida's names: " +
      'export default ({ Stalker, DebugSymbol }) => { ... }',
  },
  prefetch: {
    type: 'option',
    helpValue: 'TRACE',
    read: text,
    summary: 'translate at the start what an earlier run of the program compiled, as its trace says',
  },
  probe: {
    type: 'option',
    char: 'p',
    helpValue: 'SPEC',
    read: text,
    ...repeatable,
    summary:
      'record what is at a PLACE whenever it is reached: PLACE, PLACE@FIELD,... or a C prototype. PLACE: 0x1040 (as objdump ' +
      'shows it), symbol, symbol+0x10, str*, module!symbol, @0xRUNTIME. FIELD: argN, fpargN, retval, a register, sp+N, each ' +
      'with /FORMAT (d u x o c s p b f32 f64), *ADDRESS:LENGTH, bt, bt=N, if:CONDITION, count',
  },
  probes: { type: 'option', helpValue: 'FILE', read: text, summary: 'more of these, one a line' },
  symbols: {
    type: 'option',
    helpValue: 'FILE|DIR',
    read: text,
    ...repeatable,
    summary: 'where the names and lines are that were stripped from the program: a file, or a directory of them',
  },
  strict: { type: 'boolean', summary: 'a probe or an exclusion that matches nothing is an error (exit 125)' },
  live: {
    type: 'option',
    helpValue: 'tree|flat|strace|probes',
    options: LIVE_MODES,
    read: oneOf(...LIVE_MODES, 'usual'),
    bareValue: 'usual',
    summary: 'print on stderr while the program runs; --live alone means --live=probes with probes, else --live=tree',
  },
  stats: {
    type: 'boolean',
    summary: 'say what the recompiler did: dispatches, blocks, links, hot code; in the report too',
  },
  report: { type: 'option', helpValue: 'FILE|-', read: text, summary: 'write how the run ended as JSON' },
  json: { type: 'boolean', summary: 'the same as --report -' },
  'no-trace': { type: 'boolean', summary: 'only run the program' },
  compress: {
    type: 'option',
    options: ['deflate', 'brotli', 'none'],
    read: oneOf('deflate', 'brotli', 'none'),
    default: 'deflate',
    summary: 'how the trace is packed; none can be read with protoc',
  },
  'one-thread': {
    type: 'boolean',
    summary: 'encode the trace in the thread that runs the program, however long it gets; the bytes are the same',
  },
  quiet: { type: 'boolean', char: 'q', summary: 'say nothing but errors' },
  'max-insns': { type: 'option', helpValue: 'N', read: count, summary: 'stop after about N instructions (exit 124)' },
  'max-events': { type: 'option', helpValue: 'N', read: count, summary: 'stop after about N events (exit 124)' },
  timeout: {
    type: 'option',
    helpValue: 'TIME',
    read: durationMs,
    summary: 'stop after TIME, e.g. 10s or 500ms (exit 124)',
  },
  sysroot: {
    type: 'option',
    char: 'L',
    helpValue: 'DIR',
    read: text,
    summary: "look for the program's files here first",
  },
  env: {
    type: 'option',
    char: 'E',
    helpValue: 'NAME=VALUE',
    read: assignment,
    ...repeatable,
    summary: 'set a variable for the program',
  },
  'unset-env': {
    type: 'option',
    char: 'U',
    helpValue: 'NAME',
    read: text,
    ...repeatable,
    summary: "hide a variable from the program, or those a pattern means: '*' is all",
  },
  'record-env': {
    type: 'boolean',
    summary: 'keep the values of its variables in the trace, not only their names, for replay --verify elsewhere',
  },
  cwd: { type: 'option', helpValue: 'DIR', read: text, summary: "the program's working directory" },
  argv0: { type: 'option', helpValue: 'NAME', read: text, summary: 'what the program sees as its own name' },
  seed: {
    type: 'option',
    helpValue: 'N',
    read: integer,
    default: '0',
    summary: "where the program's random numbers start",
  },
  clock: {
    type: 'option',
    options: ['virtual', 'host'],
    read: oneOf('virtual', 'host'),
    default: 'virtual',
    summary: 'virtual: one instruction is one nanosecond and runs repeat exactly; host: the real time',
  },
} as const satisfies Flags;
