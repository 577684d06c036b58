// A transformer sees every instruction once, when its block is translated. This one puts a callout in front of every bl.
export default ({ Stalker, DebugSymbol }) => {
  const callers = new Map();
  Stalker.follow({
    transform(iterator) {
      for (let instruction = iterator.next(); instruction !== null; instruction = iterator.next()) {
        if (instruction.mnemonic === 'bl') {
          iterator.putCallout((context) => {
            const { name } = DebugSymbol.fromAddress(context.pc);
            callers.set(name, (callers.get(name) ?? 0) + 1);
          });
        }
        iterator.keep();
      }
    },
  });
  return () => {
    for (const [name, count] of callers) console.log(`${name} made ${count} calls`);
  };
};
