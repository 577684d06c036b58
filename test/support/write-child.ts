// Writes a trace to the path named on the command line until that fails; prints the error's name and message.
import { OutputError } from '../../src/errors.js';
import { TraceWriter } from '../../src/trace/writer.js';
import { playProgram, SyntheticMachine } from './event-stream.js';
import { HEADER } from './trace-file.js';

const writer = new TraceWriter({ mask: 31, codec: 'none', chunkEvents: 1000 });
try {
  writer.open(process.argv[2] as string, HEADER);
  playProgram(new SyntheticMachine((batch) => writer.process(batch)), { events: 2_000_000, seed: 1 });
} catch (error) {
  process.stdout.write(error instanceof OutputError ? `OutputError ${error.message}` : String(error));
}
writer.close();
