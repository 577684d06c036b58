#!/usr/bin/env -S node --import tsx
import('../src/cli/start.ts').then(({ start }) =>
  start(process.argv.slice(2), require('node:path').dirname(__dirname)),
);
