// Which code ran: a block is compiled when it is first reached, so its COMPILE events are the coverage.
export default ({ Stalker, Process }) => {
  const covered = new Set();
  Stalker.follow({
    events: { compile: true },
    onReceive(events) {
      for (const [start, end] of Stalker.parse(events, { annotate: false })) {
        for (let at = start.and(~1); at.compare(end.and(~1)) < 0; at = at.add(2)) covered.add(at.toUInt32());
      }
    },
  });
  return () => {
    for (const { name, address, size } of Process.mainModule.enumerateSymbols()) {
      const start = address.and(~1).toUInt32();
      let bytes = 0;
      for (let at = start; at < start + size; at += 2) if (covered.has(at)) bytes += 2;
      if (size > 0) console.log(`${name}: ${bytes} of ${size} bytes`);
    }
  };
};
