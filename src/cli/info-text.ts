import { fileURLToPath } from 'node:url';
import { hex, type SegmentInfo, signalName, type TraceInfo } from '../index.js';
import { escapeText } from './escape.js';
import { counted, groupDigits } from './number-text.js';

/** The description of the format, beside the code that writes it. */
const protoPath = (): string => fileURLToPath(new URL('../trace/armstalk.proto', import.meta.url));

const flagsText = (flags: number): string => `${flags & 4 ? 'r' : '-'}${flags & 2 ? 'w' : '-'}${flags & 1 ? 'x' : '-'}`;

const exitText = ({ exit }: SegmentInfo): string => {
  if (exit === undefined) return 'no end recorded';
  if (exit.code !== undefined) return `exit ${exit.code}`;
  return exit.signal === undefined ? `ended by ${exit.reason}` : `killed by ${signalName(exit.signal)}`;
};

const moduleText = ({ name, start, end, segments }: SegmentInfo['modules'][number]): string =>
  `${name} ${hex(start)}-${hex(end)} ${segments.map(({ flags }) => flagsText(flags)).join('/')}`;

const countsText = (counts: SegmentInfo['counts']): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${kind} ${groupDigits(count)}`)
    .join('  ');

const segmentLines = (segment: SegmentInfo): string[] => {
  const { header, modules, insns, threads, chunks, counts } = segment;
  const buildId = modules[0]?.buildId ?? '';
  return [
    `program ${header.program}  ${buildId === '' ? '' : `build-id ${buildId}  `}argv ${JSON.stringify(header.argv)}  ${exitText(segment)}`,
    `run     ${counted(insns, 'instruction')}, ${counted(threads.length, 'thread')}, profile ${header.profile}, clock ${header.clock}, seed ${header.seed}, armstalk ${header.toolVersion}`,
    `modules ${modules.length}: ${modules.map(moduleText).join(', ')}`,
    `events  ${countsText(counts)}  in ${counted(chunks, 'chunk')}`,
    ...header.probes.map(
      ({ id, spec, address }) => `probe   ${id} ${spec} at ${address === 0 ? 'no place' : hex(address)}`,
    ),
  ];
};

const integrityText = ({ integrity }: TraceInfo): string => {
  if (integrity.complete) return 'complete, crc ok, nothing lost';
  return `incomplete: ${integrity.reason ?? 'unknown reason'}`;
};

/** The facts of a trace, a line each. */
export const infoText = (info: TraceInfo): string => {
  const { integrity, segments } = info;
  const lines = [
    `format  ${info.format}, ${counted(segments.length, 'segment')}, ${counted(integrity.intactPackets, 'packet')}, ` +
      `${counted(integrity.sizeBytes, 'byte')}, ${integrityText(info)}`,
    ...segments.flatMap(segmentLines),
    `schema  ${protoPath()}`,
  ];
  return `${lines.map(escapeText).join('\n')}\n`;
};

/** The same for programs; addresses as hex strings. */
export const infoJson = (info: TraceInfo): unknown => ({
  ...info,
  proto: protoPath(),
  segments: info.segments.map((segment) => ({
    ...segment,
    header: {
      ...segment.header,
      probes: segment.header.probes.map((probe) => ({ ...probe, address: hex(probe.address) })),
    },
    modules: segment.modules.map(({ type: _, ...module }) => ({
      ...module,
      bias: hex(module.bias),
      start: hex(module.start),
      end: hex(module.end),
      entry: hex(module.entry),
      segments: module.segments.map((one) => ({
        ...one,
        address: hex(one.address),
        fileOffset: hex(one.fileOffset),
        flags: flagsText(one.flags),
      })),
    })),
  })),
});
