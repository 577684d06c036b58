/** Why `Stalker.run` came back, for whoever runs it: the engine's answers are those of its blocks. */
export { ExitReason, FaultKind } from '../ir/terminal.js';
