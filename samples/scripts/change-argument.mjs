// A call probe runs when a function is entered, with its arguments: r0 to r3, then the stack. They can be changed.
export default ({ Stalker, DebugSymbol }) => {
  let asked;
  Stalker.follow();
  Stalker.addCallProbe(DebugSymbol.getFunctionByName('fib'), (args) => {
    if (asked !== undefined) return;
    asked = args[0].toInt32();
    args[0] = 10;
  });
  return () => console.log(`that was fib(10) for fib(${asked})`);
};
