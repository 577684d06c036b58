// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the scripts expand their own variables
/** Command lines of one process each: none of these applets forks. `files` is made by `makeFixtures`. */
import { createHash } from 'node:crypto';
import { chmodSync, lutimesSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

export interface BusyboxCommand {
  readonly args: readonly string[];
  readonly stdin?: string;
  /** Lines come in directory order, which is ours sorted and the host's as it is. */
  readonly anyOrder?: boolean;
}

const line = (text: string, stdin?: string): BusyboxCommand => ({
  args: text.split(' '),
  ...(stdin === undefined ? {} : { stdin }),
});
const inAnyOrder = (text: string): BusyboxCommand => ({ args: text.split(' '), anyOrder: true });
const sh = (script: string, stdin?: string): BusyboxCommand => ({
  args: ['sh', '-c', script],
  ...(stdin === undefined ? {} : { stdin }),
});

export const busyboxCommands: readonly BusyboxCommand[] = [
  // Text.
  line('cat words.txt numbers.txt'),
  line('sort words.txt'),
  line('sort -rn numbers.txt'),
  line('sort -t: -k3,3n -k1,1 table.txt'),
  line('uniq -c', 'a\na\nb\nc\nc\nc\n'),
  line('wc words.txt numbers.txt table.txt'),
  line('head -n 7 words.txt'),
  line('tail -n +95 words.txt'),
  line('tail -c 100 words.txt'),
  line('tac numbers.txt'),
  line('rev words.txt'),
  line('nl table.txt'),
  line('fold -w 30 long.txt'),
  line('cut -d: -f1,3 table.txt'),
  line('cut -c 2-5 words.txt'),
  line('paste -d, numbers.txt words.txt'),
  line('tr a-z A-Z', 'Mixed Case text 123\n'),
  line('tr -d aeiou', 'remove the vowels\n'),
  line('expand -t 4', 'a\tb\tc\n\td\n'),
  line('grep -n -i w.*9 words.txt'),
  line('grep -c nothing words.txt'),
  line('egrep ^(word1|word2)[0-5]$ words.txt'),
  line('fgrep -v word words.txt table.txt'),
  { args: ['sed', '-e', 's/word\\([0-9]*\\)/<\\1>/g', '-e', '3,5d', 'words.txt'] },
  { args: ['sed', '-n', '/word7/,/word8/p', 'words.txt'] },
  { args: ['awk', '-F:', '{ n[$2] += $3 } END { for (k = 0; k < 7; k++) print k, n["group" k] }', 'table.txt'] },
  {
    args: [
      'awk',
      'BEGIN { for (i = 1; i <= 20; i++) printf "%d %.6f %.4e %s\\n", i, i / 7, 1e5 / (i * i), int(i * 1.37) % 5 }',
    ],
  },
  { args: ['awk', '{ sub(/w/, "W"); print toupper(substr($0, 3)), length($0), index($0, "d") }', 'words.txt'] },
  line('diff words.txt words2.txt'),
  line('diff -u words.txt words2.txt'),
  line('cmp words.txt words2.txt'),
  line('strings binary.bin'),
  line('shuf -n 0 words.txt'),
  line('dos2unix', 'a\r\nb\r\n'),
  { args: ['ed', 'words.txt'], stdin: '2d\n1,3p\n$=\nQ\n' },
  // Dumps and encodings.
  line('hexdump -C binary.bin'),
  line('od -b binary.bin'),
  line('xxd binary.bin'),
  line('base64 binary.bin'),
  line('base64 -d', 'SGVsbG8gQVJNCg==\n'),
  line('uuencode binary.bin name'),
  // Checksums.
  line('md5sum words.txt binary.bin big.bin'),
  line('sha1sum big.bin'),
  line('sha256sum big.bin'),
  line('sha512sum words.txt binary.bin'),
  line('sha3sum words.txt'),
  line('crc32 big.bin'),
  line('md5sum -c sums.md5'),
  // Compression and archives.
  line('gzip -k -n words.txt'),
  line('gzip -c -9 long.txt'),
  line('gunzip -c packed.gz'),
  line('gunzip -t packed.gz'),
  line('gunzip -c broken.gz'),
  line('bzip2 -k words.txt'),
  line('unxz -c packed.xz'),
  line('unlzma -c packed.lzma'),
  line('bunzip2 packed.bz2'),
  line('tar cf archive.tar words.txt numbers.txt tree/b/deep'),
  line('tar tf tree.tar'),
  line('tar xf tree.tar -C out'),
  line('ar t absent.a'),
  // Files.
  line('ls -1 tree'),
  line('ls -lRn --full-time tree'),
  inAnyOrder('find tree -type f -name *.txt -size -40'),
  line('find tree -maxdepth 2 -newer words.txt'),
  inAnyOrder('du -a tree'),
  { args: ['stat', '-c', '%n %s %f %F %Y %h', 'words.txt', 'tree', 'link'] },
  line('readlink link'),
  line('readlink -f link'),
  line('realpath tree/a/../b'),
  line('cp -r tree copy'),
  line('mv numbers.txt moved.txt'),
  line('ln -s words.txt another'),
  line('ln words.txt hard'),
  line('rm -r tree'),
  line('mkdir -p x/y/z'),
  line('rmdir tree'),
  line('touch -d 2020-01-02 new.txt'),
  line('chmod -R 640 tree/a'),
  line('truncate -s 1000 words.txt'),
  line('dd if=big.bin of=part.bin bs=512 skip=3 count=5 conv=notrunc'),
  line('tee copy1 copy2', 'to three places\n'),
  line('patch -p0 -i change.patch'),
  line('cat missing.txt'),
  // Arithmetic and odds and ends.
  line('expr 6 * 7'),
  line('expr abc : a\\(.*\\)'),
  line('factor 1234567890 97 600851475143'),
  line('seq -w 1 3 30'),
  { args: ['dc', '-e', '2 100 ^ p 3 k 22 7 / p'] },
  { args: ['bc', '-l'], stdin: 'scale=20\n4*a(1)\n2^128\nsqrt(2)\n' },
  { args: ['printf', '%05d|%-8s|%x|%c|%s\\n', '42', 'left', '255', 'Z', 'end'] },
  { args: ['date', '-u', '-d', '@86400', '+%Y-%m-%d %H:%M:%S %j'] },
  line('cal 2 2024'),
  line('basename /a/b/c.txt .txt'),
  line('dirname /a/b/c.txt'),
  line('test 3 -lt 5'),
  line('test -f nowhere'),
  line('false'),
  line('env'),
  line('ipcalc -n -b 192.168.7.9/20'),
  line('echo one two  three'),
  line('nosuchapplet'),
  // The shell, one process: loops, functions, arithmetic, redirections, here-documents, traps.
  sh('i=0; while [ $i -lt 50 ]; do i=$((i + 1)); printf "%d " $((i * i % 17)); done; echo'),
  sh(
    'f() { local n=$1; if [ $n -lt 2 ]; then r=$n; else f $((n-1)); local a=$r; f $((n-2)); r=$((a+r)); fi; }; f 12; echo $r',
  ),
  sh('while IFS=: read -r name group size; do [ "$size" -gt 400 ] && echo "$group/$name"; done < table.txt'),
  sh('for f in tree/*/*.txt; do case $f in *a*) echo "A ${f##*/}";; *) echo "other ${f%.txt}";; esac; done'),
  sh('cat() { while read -r l; do echo "[$l]"; done; }; cat <<EOF\nhere $((6*7))\ndocument ${#PWD}\nEOF'),
  sh('exec 3>made.txt; echo first >&3; echo second >&3; exec 3>&-; while read l; do echo "got $l"; done < made.txt'),
  sh('trap "echo bye" EXIT; set -- a b c; shift; echo $# "$*"; exit 7'),
  sh('x=abcabc; echo ${x#a*c} ${x##a*c} ${x%b*} ${x/b/X} ${x:2:3} ${y:-unset} ${#x}'),
  sh('echo $((0x1f | 1 << 8)) $((-7 / 2)) $((-7 % 3)) $((5 > 3 && 2 > 9)) $((1 ? 10 : 20))'),
  sh('set -e; false; echo not reached'),
  sh('kill -TERM $$; echo not reached'),
  sh('trap "echo caught; exit 3" USR1; kill -USR1 $$; echo not reached'),
  sh('umask 027; : > private; ulimit -n >/dev/null; type echo; eval "v=5"; echo $v; unset v; echo "[$v]"'),
  sh('read a b; echo "$b $a"; echo $?', 'hello world again\n'),
  sh('cd tree/a && pwd && cd - >/dev/null && pwd; cd nowhere'),
  sh('nosuchcommand'),
];

/** `seq 1 300` (`seq 1 200` for lzma) as the host's own tools packed it. */
const packed = {
  xz: '/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4ARDAQJdABiCgo8iTvimVffwmaUlDZBFkVpRtJvKrNwFMuyFUp+xSG3v3OhLuWG64JxTf5jIqVQO/D0q0wbXZkQ9VmSmzT3Xxx9E9BjfAgs/4sbGe+Hnf3lEHHm3Qq5luBu1DoThmoIGIzlaf3KqQ/qlmh+SwL5FcXlK1ZPGkAo5rZxlhyq2GjjH4ZMXytA+CeqwUvAQYCbAXl8QkQ25eXh9l0Jg0KY4d+Ej6LsoT4hSLXVYJj9m/eKc69OvYdk1ev/7YrE8fJMc8mS4TRyFKrFcAAY2AUrrvAVI71xotTxxgZ4sbORnBs+FKnUJGYy8F0QNzTxpxjbEnpzS7js1Ej6TUpedidqbMQAAAGc3dbfmK+6BAAGeAsQIAABn2MVpscRn+wIAAAAABFla',
  lzma: 'XQAAAAT//////////wAYgoKPIk74plX38JmlJQ2QRZFaUbSbyqzcBTLshVKfsUht79zoS7lhuuCcU3+YyKlUDvw9KtMG12ZEPVZkps0918cfRPQY3wILP+LGxnvh5395RBx5t0KuZbgbtQ6E4ZqCBiM5Wn9yqkP6pZofksC+RXF5StWTxpAKOa2cZYcqtho4x+GTF8rQPgnqsFLwEGAmwF5fEJENuXl4fZdCYNCmOHfhI+i7KE+IUi11WCY/Zv3inOvTr2HZNXr/+2KxPHyTHPJkuE0chSqxXAAGNgFK66+ewWT/+5aaoA==',
  bz2: 'QlpoOTFBWSZTWfqyn6IAALVIAAAQf+BAApA2HAAxqlHlP8qhVP0wT/VUhU/1Ux6n6UHUf/+qUm/VT/KqR9yJq83z7yADToDBIFhQKBYSBg6A0gA84AGuOgPIANOgMEgWFAoFhIGDoDSADzgAY4SBYUCgWEgYOgNIAPOAA4cKqtrS222ySSSKAAAAAEojlttu2y2223e973vdaJohE0QiaIRNEImiETRCJohE0QiaIRNbnJtttr+qtttu973ve9f1iaIRNANoBtANoBtANoBtANoBtbnMbbbWW/+222aSSS398AAAAG7tu2219tq22yaSSWwAAAAbu23m21+229bbJNJJb6AAAAN3bbfdtfLbb5bZJNJLfoAAAA3dttvdr1ttv22SSaS3wAAAAbu222mq222+2SSTS3gAAAB87eebbbS1bbbfbJJJ+/YAAAD4fwu5IpwoSH1ZT9EA',
};

const words = Array.from({ length: 100 }, (_, i) => `word${(i * 37) % 100}`);

/** Bytes that look random and are the same every time. */
export const noise = (sizeBytes: number, seed: string): Buffer => {
  const parts: Buffer[] = [];
  for (let i = 0; parts.length * 64 < sizeBytes; i++) {
    parts.push(createHash('sha512').update(`${seed} ${i}`).digest());
  }
  return Buffer.concat(parts).subarray(0, sizeBytes);
};

/** A tiny ustar archive: one directory, two files. */
const tarFile = (name: string, content: string, type: string): Buffer => {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(type === '5' ? '0000755\0' : '0000644\0', 100);
  header.write('0001750\0'.repeat(2), 108);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('13000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, Buffer.from(content), Buffer.alloc((512 - (content.length % 512)) % 512)]);
};

/** Fills an empty directory with the files the commands name. Modification times are fixed. */
export const makeFixtures = (directory: string): void => {
  const file = (name: string, content: string | Buffer): void => {
    writeFileSync(join(directory, name), content);
    utimesSync(join(directory, name), 1_600_000_000, 1_600_000_000);
  };
  for (const name of ['tree', 'tree/a', 'tree/b', 'tree/b/deep', 'out']) mkdirSync(join(directory, name));
  file('words.txt', `${words.join('\n')}\n`);
  file('words2.txt', `${words.map((word, i) => (i % 25 === 3 ? `${word} changed` : word)).join('\n')}\n`);
  file('numbers.txt', Array.from({ length: 80 }, (_, i) => `${(i * 7919) % 1000}\n`).join(''));
  file('table.txt', words.map((word, i) => `${word}:group${i % 7}:${(i * i) % 997}\n`).join(''));
  file('long.txt', `${words.join(' and ').repeat(6)}\n`);
  file('binary.bin', Buffer.concat([noise(200, 'binary'), Buffer.from('plain text inside\0'), noise(90, 'more')]));
  file('big.bin', noise(60_000, 'big'));
  file('packed.gz', gzipSync(words.join('\n').repeat(20)));
  for (const [suffix, text] of Object.entries(packed)) file(`packed.${suffix}`, Buffer.from(text, 'base64'));
  file('broken.gz', Buffer.concat([gzipSync(words.join('\n')).subarray(0, 90), Buffer.from('garbage')]));
  file(
    'sums.md5',
    `${createHash('md5')
      .update(`${words.join('\n')}\n`)
      .digest('hex')}  words.txt\n${'0'.repeat(32)}  long.txt\n`,
  );
  file(
    'tree.tar',
    Buffer.concat([
      tarFile('t/', '', '5'),
      tarFile('t/one', 'first\n', '0'),
      tarFile('t/two', 'x'.repeat(700), '0'),
      Buffer.alloc(1024),
    ]),
  );
  file(
    'change.patch',
    `--- words.txt\n+++ words.txt\n@@ -1,3 +1,3 @@\n ${words[0]}\n-${words[1]}\n+patched\n ${words[2]}\n`,
  );
  file('tree/a/one.txt', 'one\n');
  file('tree/a/two.txt', 'two\n'.repeat(50));
  file('tree/b/three.txt', 'three\n'.repeat(500));
  file('tree/b/deep/four.dat', noise(3000, 'four'));
  chmodSync(join(directory, 'tree/a/one.txt'), 0o600);
  symlinkSync('tree/a/one.txt', join(directory, 'link'));
  lutimesSync(join(directory, 'link'), 1_600_000_000, 1_600_000_000);
  for (const name of ['tree/b/deep', 'tree/a', 'tree/b', 'tree', 'out']) {
    chmodSync(join(directory, name), 0o755);
    utimesSync(join(directory, name), 1_600_000_000, 1_600_000_000);
  }
};
