/** What a script is given: Frida's names. */
import { Instruction } from './instruction.js';
import { DebugSymbol, Module } from './module.js';
import { NativePointer, NULL, ptr } from './native-pointer.js';
import { Memory, Process } from './process.js';
import { Stalker } from './stalker.js';

export const vocabulary = {
  Process,
  Stalker,
  Module,
  DebugSymbol,
  Memory,
  NativePointer,
  Instruction,
  ptr,
  NULL,
} as const;

export type ScriptVocabulary = typeof vocabulary;
