import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { loadDemangler } from '../../src/analysis/demangle.js';

const NAMES: readonly (readonly [string, string])[] = [
  ['_ZNSt6vectorIiSaIiEE9push_backERKi', 'std::vector<int, std::allocator<int> >::push_back(int const&)'],
  ['_ZN12_GLOBAL__N_13fooEv', '(anonymous namespace)::foo()'],
  ['_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE', 'core::fmt::Formatter::write_str'],
  ['_RNvCs1234_7mycrate3foo', 'mycrate::foo'],
];

describe('the demangler', () => {
  it.each(NAMES)('reads %s as %s', async (mangled, readable) => {
    expect((await loadDemangler())(mangled)).toBe(readable);
  });

  it.each(['main', '_start', '_Z', '_ZN', '_Zebra', '_Rust', 'ünïcode', '', `_Z${'N'.repeat(10_000)}`])(
    'leaves %s alone',
    async (name) => {
      expect((await loadDemangler())(name)).toBe(name);
    },
  );

  it('stays in order when names are nonsense', async () => {
    const demangle = await loadDemangler();
    for (let i = 0; i < 3000; i++) {
      const tail = Array.from({ length: 1 + (i % 60) }, (_, at) =>
        'INSEPKRv1St0_9T'.charAt((i * 7 + at * at * 3) % 15),
      );
      expect(typeof demangle(`_Z${tail.join('')}`)).toBe('string');
    }
    expect(demangle(NAMES[0]?.[0] as string)).toBe(NAMES[0]?.[1]);
  });

  // Judged by c++filt of the host's binutils, which any gcc brings along; without a compiler there is nobody to ask.
  it.runIf(spawnSync('c++filt', ['--version']).status === 0)('agrees with c++filt, return types aside', async () => {
    const demangle = await loadDemangler();
    const names = [
      '_ZNKSt8functionIFvvEEclEv',
      '_Z3addii',
      '_ZN1AD1Ev',
      '_ZN3foo3barIJidEEEvDpT_',
      '_ZnwjSt11align_val_t',
    ];
    const expected = execFileSync('c++filt', { input: `${names.join('\n')}\n`, encoding: 'utf8' })
      .trimEnd()
      .split('\n');
    expect(names.map(demangle)).toEqual(expected.map((name) => name.replace(/^void /, '')));
  });
});
