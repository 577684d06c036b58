import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { decodeMessage } from '../../src/trace/message-decoder.js';
import { encodeMessage } from '../../src/trace/message-encoder.js';
import { type MessageName, SCHEMA } from '../../src/trace/schema.js';

const source = readFileSync(new URL('../../src/trace/armstalk.proto', import.meta.url), 'utf8');
const { root } = protobuf.parse(source);
root.resolveAll();
const declared = root.lookup('armstalk.v1') as protobuf.Namespace;

const rowOf = (field: protobuf.Field): unknown[] => {
  const rule = field.repeated ? 'repeated' : field.options?.proto3_optional ? 'optional' : undefined;
  return rule === undefined ? [field.id, field.type] : [field.id, field.type, rule];
};

describe('the schema table', () => {
  it('names every message of armstalk.proto and no other', () => {
    expect(Object.keys(SCHEMA).sort()).toEqual(declared.nestedArray.map((type) => type.name).sort());
  });

  it.each(Object.keys(SCHEMA) as MessageName[])('%s has the fields of the .proto', (name) => {
    const fields = declared.lookupType(name).fieldsArray.map((field) => [field.name, rowOf(field)]);
    expect(Object.fromEntries(fields)).toEqual(SCHEMA[name]);
  });
});

const NUMBERS = [0, 1, 127, 128, 300, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 7, 2 ** 53 - 1];

const samples: readonly (readonly [MessageName, Record<string, unknown>])[] = [
  ...NUMBERS.map((clock) => ['End', { reason: 'exit', exitCode: 0, clock, kindCounts: NUMBERS }] as const),
  ['End', { reason: 'signal', signal: 11 }],
  ['Thread', { tid: 7, clock: 99, exited: true, exitCode: -1, name: 'wörker' }],
  ['Module', { path: '/lib/x.so', name: 'x.so', end: 2 ** 32, segments: [{ address: 1 }, {}] }],
  ['Syscall', { tid: 1, args: [0, 2 ** 32 - 1, 5], result: -14, text: 'read(0, "\\n", 1)' }],
  [
    'ProbeHit',
    {
      depth: -3,
      values: [
        { name: 'r0', number: 1.5 },
        { name: 's', text: '' },
      ],
    },
  ],
  ['Packed', { codec: 1, data: Uint8Array.of(0, 255), rawSize: 70_000 }],
];

describe('messages', () => {
  it.each(samples)('%s %j is what protobufjs reads and writes', (name, message) => {
    const type = declared.lookupType(name);
    const bytes = encodeMessage(name, message);
    expect(Buffer.from(bytes)).toEqual(Buffer.from(type.encode(type.fromObject(message)).finish()));
    expect(decodeMessage(name, bytes)).toMatchObject(message);
  });

  it('skip fields they do not know', () => {
    const unknown = Uint8Array.from([0xf8, 0x07, 5, 0xfa, 0x07, 2, 1, 2]);
    const bytes = Buffer.concat([unknown, encodeMessage('Thread', { tid: 3 }), unknown]);
    expect(decodeMessage('Thread', bytes)).toMatchObject({ tid: 3, exited: false });
  });
});
