// Records a program (argv 2, with argument argv 3) in the main thread alone; prints events and bytes allocated on the JS
// heap while it ran, garbage included, as V8's sampling heap profiler estimates them; with argv 4, where they were made.
import { Session } from 'node:inspector';
import { record } from '../../src/index.js';

interface ProfileNode {
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly selfSize: number;
  readonly children: readonly ProfileNode[];
}

const [, , program = '', size = '', wantsPlaces] = process.argv;
const session = new Session();
session.connect();
const post = (method: string, parameters = {}): Promise<unknown> =>
  new Promise((resolve, reject) => {
    session.post(method, parameters, (error, result) => (error === null ? resolve(result) : reject(error)));
  });
await post('HeapProfiler.startSampling', {
  samplingInterval: 4096,
  includeObjectsCollectedByMajorGC: true,
  includeObjectsCollectedByMinorGC: true,
});
const { counts } = await record(program, {
  args: [size],
  output: { path: '/dev/null' },
  writerThread: false,
  stdout: () => {},
});
const { profile } = (await post('HeapProfiler.stopSampling')) as { profile: { head: ProfileNode } };
const places = new Map<string, number>();
const add = ({ callFrame, selfSize, children }: ProfileNode): void => {
  const place = `${callFrame.functionName} ${callFrame.url.replace(/.*\//, '')}:${callFrame.lineNumber + 1}`;
  places.set(place, (places.get(place) ?? 0) + selfSize);
  children.forEach(add);
};
add(profile.head);
const bytes = [...places.values()].reduce((sum, each) => sum + each, 0);
const events = (counts?.calls ?? 0) + (counts?.returns ?? 0);
if (wantsPlaces !== undefined) console.error([...places].sort((a, b) => b[1] - a[1]).slice(0, 12));
console.log(JSON.stringify({ events, bytes }));
