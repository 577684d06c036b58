// Follows from a function on: a deactivated thread records nothing; the probe activates it when the function is entered.
export default ({ Stalker, Process, DebugSymbol }) => {
  const from = DebugSymbol.getFunctionByName('check_pin');
  Stalker.follow({
    events: { call: true, ret: true },
    onReceive(events) {
      for (const [kind, , target, depth] of Stalker.parse(events)) {
        if (kind === 'call') console.log(`${'  '.repeat(depth)}${DebugSymbol.fromAddress(target).name}`);
      }
    },
  });
  Stalker.activationPoint = from;
  Stalker.addCallProbe(DebugSymbol.getFunctionByName('unlock'), () => Stalker.unfollow(Process.getCurrentThreadId()));
};
