/**
 * The messages of armstalk.proto as data: field number, type, and whether it repeats (packed, for numbers) or is
 * `optional` (its presence says something). A test compares every row with the .proto. Property names are the proto's
 * names in lowerCamelCase.
 */
export type ScalarType =
  | 'bool'
  | 'bytes'
  | 'double'
  | 'fixed32'
  | 'fixed64'
  | 'sint32'
  | 'sint64'
  | 'string'
  | 'uint32'
  | 'uint64';
export type FieldRule = 'repeated' | 'optional';
export type FieldRow = readonly [number: number, type: ScalarType | MessageName, rule?: FieldRule];
export type MessageName =
  | 'Trace'
  | 'Packet'
  | 'Header'
  | 'Probe'
  | 'Module'
  | 'Segment'
  | 'Symbols'
  | 'Symbol'
  | 'Thread'
  | 'EventChunk'
  | 'Packed'
  | 'Syscalls'
  | 'Syscall'
  | 'ProbeHits'
  | 'ProbeHit'
  | 'ProbeValue'
  | 'Incident'
  | 'Signal'
  | 'CallSummary'
  | 'Index'
  | 'IndexRow'
  | 'End';

/** Field numbers of a Packet's bodies, the ones framing and dispatch need by name. */
export const BODY = {
  header: 4,
  module: 5,
  symbols: 6,
  thread: 7,
  chunk: 8,
  packed: 9,
  syscalls: 10,
  probes: 11,
  incident: 12,
  index: 13,
  end: 14,
  callSummary: 18,
} as const;

/** Field numbers of EventChunk, written and read by hand. */
export const CHUNK = {
  tid: 1,
  firstClock: 2,
  events: 3,
  openReturns: 4,
  depth: 5,
  elsewhere: 6,
  edgeKind: 7,
  edgeLocation: 8,
  edgeTarget: 9,
  runs: 10,
  edgeIndex: 11,
  clockDelta: 12,
  escape: 13,
  switch: 14,
  lastClock: 15,
  kindCounts: 16,
  clockJump: 17,
  edgeReturn: 18,
} as const;

export const SCHEMA: Readonly<Record<MessageName, Readonly<Record<string, FieldRow>>>> = {
  Trace: { packet: [1, 'Packet', 'repeated'] },
  Packet: {
    magic: [1, 'fixed64'],
    seq: [2, 'uint32'],
    crc: [3, 'fixed32'],
    header: [BODY.header, 'Header'],
    module: [BODY.module, 'Module'],
    symbols: [BODY.symbols, 'Symbols'],
    thread: [BODY.thread, 'Thread'],
    chunk: [BODY.chunk, 'EventChunk'],
    packed: [BODY.packed, 'Packed'],
    syscalls: [BODY.syscalls, 'Syscalls'],
    probes: [BODY.probes, 'ProbeHits'],
    incident: [BODY.incident, 'Incident'],
    index: [BODY.index, 'Index'],
    end: [BODY.end, 'End'],
    callSummary: [BODY.callSummary, 'CallSummary'],
    trailer: [15, 'fixed64'],
  },
  Header: {
    uuid: [1, 'string'],
    formatVersion: [2, 'uint32'],
    toolVersion: [3, 'string'],
    program: [4, 'string'],
    argv: [5, 'string', 'repeated'],
    envNames: [6, 'string', 'repeated'],
    env: [7, 'string', 'repeated'],
    cwd: [8, 'string'],
    cpu: [9, 'string'],
    seed: [10, 'uint64'],
    clock: [11, 'string'],
    profile: [12, 'string'],
    eventMask: [13, 'uint32'],
    options: [14, 'string'],
    probes: [15, 'Probe', 'repeated'],
    permissions: [16, 'string', 'repeated'],
    startTimeMs: [17, 'uint64'],
    host: [18, 'string'],
    pid: [19, 'uint32'],
    parentUuid: [20, 'string'],
    callSummary: [21, 'bool'],
  },
  Probe: { id: [1, 'uint32'], spec: [2, 'string'], address: [3, 'uint32'] },
  Module: {
    path: [1, 'string'],
    name: [2, 'string'],
    clock: [3, 'uint64'],
    bias: [4, 'uint32'],
    start: [5, 'uint32'],
    end: [6, 'uint64'],
    entry: [7, 'uint32'],
    buildId: [8, 'string'],
    segments: [9, 'Segment', 'repeated'],
  },
  Segment: {
    address: [1, 'uint32'],
    sizeBytes: [2, 'uint32'],
    fileOffset: [3, 'uint32'],
    flags: [4, 'uint32'],
  },
  Symbols: { symbols: [1, 'Symbol', 'repeated'] },
  Symbol: { module: [1, 'uint32'], offset: [2, 'uint32'], sizeBytes: [3, 'uint32'], name: [4, 'string'] },
  Thread: {
    tid: [1, 'uint32'],
    clock: [2, 'uint64'],
    exited: [3, 'bool'],
    parentTid: [4, 'uint32'],
    exitCode: [5, 'sint32', 'optional'],
    name: [6, 'string'],
  },
  EventChunk: {
    tid: [CHUNK.tid, 'uint32'],
    firstClock: [CHUNK.firstClock, 'uint64'],
    events: [CHUNK.events, 'uint32'],
    openReturns: [CHUNK.openReturns, 'uint32', 'repeated'],
    depth: [CHUNK.depth, 'sint32'],
    elsewhere: [CHUNK.elsewhere, 'uint64'],
    edgeKind: [CHUNK.edgeKind, 'bytes'],
    edgeLocation: [CHUNK.edgeLocation, 'sint32', 'repeated'],
    edgeTarget: [CHUNK.edgeTarget, 'sint32', 'repeated'],
    runs: [CHUNK.runs, 'uint32', 'repeated'],
    edgeIndex: [CHUNK.edgeIndex, 'uint32', 'repeated'],
    clockDelta: [CHUNK.clockDelta, 'sint32', 'repeated'],
    escape: [CHUNK.escape, 'uint64', 'repeated'],
    switch: [CHUNK.switch, 'uint64', 'repeated'],
    lastClock: [CHUNK.lastClock, 'uint64'],
    kindCounts: [CHUNK.kindCounts, 'uint32', 'repeated'],
    clockJump: [CHUNK.clockJump, 'uint64', 'repeated'],
    edgeReturn: [CHUNK.edgeReturn, 'sint32', 'repeated'],
  },
  Packed: {
    codec: [1, 'uint32'],
    rawSize: [2, 'uint32'],
    data: [3, 'bytes'],
    tid: [4, 'uint32'],
    firstClock: [5, 'uint64'],
    lastClock: [6, 'uint64'],
    events: [7, 'uint32'],
    kindCounts: [8, 'uint32', 'repeated'],
  },
  Syscalls: { calls: [1, 'Syscall', 'repeated'] },
  Syscall: {
    tid: [1, 'uint32'],
    clock: [2, 'uint64'],
    endClock: [3, 'uint64'],
    pc: [4, 'uint32'],
    number: [5, 'uint32'],
    name: [6, 'string'],
    args: [7, 'uint32', 'repeated'],
    result: [8, 'sint32', 'optional'],
    text: [9, 'string'],
  },
  ProbeHits: { hits: [1, 'ProbeHit', 'repeated'] },
  ProbeHit: {
    tid: [1, 'uint32'],
    clock: [2, 'uint64'],
    probe: [3, 'uint32'],
    location: [4, 'uint32'],
    depth: [5, 'sint32'],
    returnAddress: [6, 'uint32'],
    values: [7, 'ProbeValue', 'repeated'],
    phase: [8, 'uint32'],
  },
  ProbeValue: {
    name: [1, 'string'],
    number: [2, 'double', 'optional'],
    text: [3, 'string', 'optional'],
    format: [4, 'string'],
  },
  Incident: {
    tid: [1, 'uint32'],
    clock: [2, 'uint64'],
    code: [3, 'string'],
    pc: [4, 'uint32'],
    message: [5, 'string'],
    signal: [6, 'Signal'],
  },
  Signal: { signo: [1, 'uint32'], code: [2, 'sint32'], address: [3, 'uint32'], action: [4, 'string'] },
  CallSummary: {
    tid: [1, 'uint32'],
    clock: [2, 'uint64'],
    location: [3, 'sint32', 'repeated'],
    target: [4, 'sint32', 'repeated'],
    count: [5, 'uint64', 'repeated'],
  },
  Index: { chunks: [1, 'IndexRow', 'repeated'] },
  IndexRow: {
    distance: [1, 'uint64'],
    tid: [2, 'uint32'],
    firstClock: [3, 'uint64'],
    lastClock: [4, 'uint64'],
    events: [5, 'uint32'],
    depth: [6, 'sint32'],
    kindCounts: [7, 'uint32', 'repeated'],
  },
  End: {
    reason: [1, 'string'],
    exitCode: [2, 'sint32', 'optional'],
    signal: [3, 'uint32'],
    clock: [4, 'uint64'],
    kindCounts: [5, 'uint64', 'repeated'],
    syscalls: [6, 'uint64'],
    probeHits: [7, 'uint64'],
    incidents: [8, 'uint64'],
    lost: [9, 'uint64'],
    peakBytes: [10, 'uint64'],
    message: [11, 'string'],
  },
};
