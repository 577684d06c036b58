"""Counts calls, self and total instructions by function from `armstalk export --to jsonl`, with nothing of armstalk's."""
import json
import sys
from collections import defaultdict

calls, self_, total = defaultdict(int), defaultdict(int), defaultdict(int)
threads, clock, end = {}, {}, 0


def function(place):
    return f"{place['symbol']} at {hex(int(place['offset'], 16) - place['symbolOffset'])}"


def spend(thread, until):
    stack, before = thread["stack"], thread["own"]
    self_[stack[-1][0]] += until - before
    thread["own"] = until


def pop(thread):
    name, entered = thread["stack"].pop()
    if all(name != other for other, _ in thread["stack"]):
        total[name] += thread["own"] - entered


for line in sys.stdin:
    event = json.loads(line)
    kind = event["type"]
    if kind == "end":
        end = event["clock"]
    if kind not in ("call", "ret", "block", "exec", "compile"):
        continue
    thread = threads.get(event["tid"])
    if thread is None:
        thread = threads[event["tid"]] = {"own": 0, "stack": [(function(event["location"]), 0)]}
    spend(thread, max(thread["own"], event["threadClock"]))
    clock[event["tid"]] = event["clock"]
    stack = thread["stack"]
    if kind == "call":
        while len(stack) > event["depth"] + 1:
            pop(thread)
        name = function(event["target"])
        calls[name] += 1
        stack.append((name, thread["own"]))
    elif kind == "ret":
        while len(stack) > event["depth"] + 1:
            pop(thread)

if clock:
    last = max(clock, key=lambda tid: clock[tid])
    spend(threads[last], threads[last]["own"] + max(0, end - clock[last]))
for thread in threads.values():
    while thread["stack"]:
        pop(thread)
names = set(self_) | set(calls)
json.dump({name: [calls[name], total[name], self_[name]] for name in names if calls[name] or self_[name]}, sys.stdout)
