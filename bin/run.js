#!/usr/bin/env node
// CommonJS, see package.json beside it: Node's loader of modules takes longer to get going than all of the rest.
require('../dist/bundle/start.cjs').start(process.argv.slice(2), require('node:path').dirname(__dirname));
