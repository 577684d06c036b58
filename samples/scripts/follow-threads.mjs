// Follows every thread from its first instruction on, and says how many calls each has made when it ends.
export default ({ Process, Stalker }) => {
  const calls = new Map();
  Process.attachThreadObserver({
    onAdded({ id }) {
      calls.set(id, 0);
      Stalker.follow(id, {
        events: { call: true },
        onCallSummary(summary) {
          for (const count of Object.values(summary)) calls.set(id, calls.get(id) + count);
        },
      });
    },
    onRemoved({ id, name }) {
      Stalker.flush();
      console.log(`thread ${id} (${name}) made ${calls.get(id)} calls`);
    },
  });
};
