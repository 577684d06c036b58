// How often each function was called. Nothing but counters are kept while the program runs.
export default ({ Stalker, DebugSymbol }) => {
  const calls = new Map();
  Stalker.follow({
    events: { call: true },
    onCallSummary(summary) {
      for (const [target, count] of Object.entries(summary)) calls.set(target, (calls.get(target) ?? 0) + count);
    },
  });
  return () => {
    const rows = [...calls].sort((a, b) => b[1] - a[1]);
    for (const [target, count] of rows.slice(0, 4)) console.log(count, DebugSymbol.fromAddress(target).name);
  };
};
