/** The public face: everything the command line does is one of these. Words are Frida's where Frida has one. */

export { type AnchoredRange, type AnchorOptions, type CallAnchor, findRange } from './analysis/call-anchor.js';
export { demangleName, loadDemangler } from './analysis/demangle.js';
export {
  type DiffOptions,
  diffTraces,
  type TraceDiff,
} from './analysis/diff.js';
export type { DivergedBlock, Divergence } from './analysis/divergence.js';
export { type ExportOptions, type ExportSummary, exportTrace } from './analysis/export/export-trace.js';
export { EXPORT_FORMATS, type ExportFormatName, formatOfFile } from './analysis/export/formats.js';
export { type FileNames, fileNames } from './analysis/file-names.js';
export type { ClockRange, FunctionTest, ReadFilters } from './analysis/filters.js';
export type { FunctionDiff } from './analysis/function-diff.js';
export { describeTrace, type SegmentInfo, type TraceInfo } from './analysis/info.js';
export {
  probeArgumentsText,
  probeCallersText,
  probeHitText,
  probeResult,
  probeValuesJson,
  probeValueText,
} from './analysis/probe-text.js';
export { openForReplay, type ReplayOptions, type ReplayRecord, replayTrace } from './analysis/replay.js';
export { type SummarizeOptions, type Summary, type SummaryTable, summarize } from './analysis/summarize.js';
export { isVeneer, type NameOptions, type Place, veneerTarget } from './analysis/symbolize.js';
export type { HunkLine, TreeHunk } from './analysis/tree-diff.js';
export { hex } from './bits.js';
export {
  ArmstalkError,
  ElfFormatError,
  InternalError,
  OutputError,
  ProgramNotFoundError,
  TraceFormatError,
  UnsupportedError,
  UsageError,
} from './errors.js';
export { EventKind, type EventMask, type Note } from './events/event.js';
export { decodeRecord, type EventBatch, type StalkerEvent } from './events/ring.js';
export type { EventSink } from './events/sink.js';
export type { ScriptIterator, StalkerOptions } from './frida/follow.js';
export type { ParsedEvent, ParseOptions } from './frida/gum-event.js';
export { Instruction } from './frida/instruction.js';
export { DebugSymbol, Module, type ModuleExport, type ModuleSymbol } from './frida/module.js';
export { NativePointer, NULL, type PointerValue, ptr } from './frida/native-pointer.js';
export { Memory, Process, type SpawnOptions } from './frida/process.js';
export type { RangeDetails } from './frida/ranges.js';
export type { ArmCpuContext } from './frida/registers.js';
export { type CallProbeArgs, Stalker, type ThreadCallback } from './frida/stalker.js';
export type { ThreadDetails, ThreadObserver, ThreadObserverCallbacks } from './frida/thread-observer.js';
export type { ScriptVocabulary } from './frida/vocabulary.js';
export type { ProcessResult } from './process/process.js';
export type { CodeMap } from './recording/code-map.js';
export type { CrashReport } from './recording/crash-report.js';
export { disassemble } from './recording/disassemble.js';
export { DEFAULT_EVENTS, EVENT_WORDS, type EventSelection, parseEventList } from './recording/event-selection.js';
export type { RecordOptions } from './recording/options.js';
export { readProbeFile } from './recording/probe/probe-file.js';
export { type Recording, record } from './recording/record.js';
export { type RecorderOptions, readRecorderOptions } from './recording/recorder-options.js';
export { signalName } from './recording/run-end.js';
export type { RunStats } from './recording/run-stats.js';
export { type ScriptEnd, ScriptError, type ScriptFunction } from './recording/script.js';
export { CallbackError } from './stalker/host-callbacks.js';
export type { Backpatch, BlockSwitch, StalkerObserver } from './stalker/observer.js';
export { Reserved } from './stalker/reserved.js';
export { type TraceIntegrity, TraceReader } from './trace/reader.js';
export { type RepairReport, repairTrace } from './trace/repair.js';
export { TraceWriter } from './trace/writer.js';
