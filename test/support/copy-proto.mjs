// Puts the trace schema beside the compiled code: the package ships it, and `info` prints where it is.
import { copyFileSync, mkdirSync } from 'node:fs';

const root = new URL('../../', import.meta.url);
mkdirSync(new URL('dist/trace/', root), { recursive: true });
copyFileSync(new URL('src/trace/armstalk.proto', root), new URL('dist/trace/armstalk.proto', root));
